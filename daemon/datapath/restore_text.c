/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/restore_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

int restore_text_open(struct restore_text *text)
{
	text->stream = open_memstream(&text->data, &text->len);
	return text->stream ? 0 : -ENOMEM;
}

void restore_text_put(struct restore_text *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(text->stream, fmt, args);
	va_end(args);
	fputc('\n', text->stream);
}

int restore_text_close(struct restore_text *text)
{
	int r = text->stream && fclose(text->stream) ? -ENOMEM : 0;

	text->stream = NULL;
	return r;
}

void restore_text_release(struct restore_text *text)
{
	restore_text_close(text);
	free(text->data);
	text->data = NULL;
}
