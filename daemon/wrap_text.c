/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wrap_text.h"

#include <string.h>

void wrap_text_write(FILE *out, const char *text, int column)
{
	int at = column;

	while (*text) {
		const char *end = strstr(text, ", ");
		int len = end ? (int)(end - text) + 1 : (int)strlen(text);

		if (at > column && at + 1 + len > WRAP_WIDTH) {
			fprintf(out, "\n%*s", column, "");
			at = column;
		}
		at += fprintf(out, "%s%.*s", at > column ? " " : "", len, text);
		text += len + (end != NULL);
	}
	fputc('\n', out);
}
