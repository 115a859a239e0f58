/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 2048

static void write_line(const char *level, const char *fmt, va_list args)
{
	char line[LINE_SIZE];
	size_t len;

	snprintf(line, sizeof(line), "netpold: %s", level);
	len = strlen(line);
	vsnprintf(line + len, sizeof(line) - len - 1, fmt, args);
	len = strlen(line);
	line[len++] = '\n';
	/* Nobody can be told that standard error is gone. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line("", fmt, args);
	va_end(args);
}

void log_warning(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line("warning: ", fmt, args);
	va_end(args);
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line("error: ", fmt, args);
	va_end(args);
}
