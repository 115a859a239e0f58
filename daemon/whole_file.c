/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "whole_file.h"

#include <errno.h>
#include <unistd.h>

ssize_t whole_file_read(int fd, char *text, size_t max)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, max + 1 - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	} while (n > 0 && len <= max);
	return (ssize_t)len;
}
