/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char tail[sizeof(err->message)];
	va_list args;
	size_t head;
	int n;

	if (!err)
		return -EIO;
	memcpy(tail, err->message, sizeof(tail));
	va_start(args, fmt);
	n = vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	head = n < 0 ? 0 : (size_t)n;
	if (head < sizeof(err->message))
		snprintf(err->message + head, sizeof(err->message) - head, "%s",
			 tail);
	return err->code;
}
