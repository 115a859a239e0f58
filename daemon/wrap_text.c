/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wrap_text.h"

#include <string.h>

/* Breaks are at the last character of a separator, a space, which is left
   out. */
static void wrap(FILE *out, const char *text, int column, const char *separator)
{
	int kept = (int)strlen(separator) - 1;
	int at = column;

	while (*text) {
		const char *end = strstr(text, separator);
		int len = end ? (int)(end - text) + kept : (int)strlen(text);

		if (at > column && at + 1 + len > WRAP_WIDTH) {
			fprintf(out, "\n%*s", column, "");
			at = column;
		}
		at += fprintf(out, "%s%.*s", at > column ? " " : "", len, text);
		text += len + (end != NULL);
	}
	fputc('\n', out);
}

void wrap_text_write(FILE *out, const char *text, int column)
{
	wrap(out, text, column, ", ");
}

void wrap_text_write_words(FILE *out, const char *text, int column)
{
	wrap(out, text, column, " ");
}
