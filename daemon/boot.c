/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "boot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char path[] = "/proc/sys/kernel/random/boot_id";

int boot_id_read(char out[BOOT_ID_LEN], struct err *err)
{
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return err_set(err, -errno, "cannot read '%s': %s", path,
			       strerror(errno));
	n = fread(out, 1, BOOT_ID_LEN - 1, file);
	fclose(file);
	out[n] = '\0';
	if (n != BOOT_ID_LEN - 1 || strlen(out) != n)
		return err_set(err, -EIO, "'%s' holds no boot id", path);
	return 0;
}
