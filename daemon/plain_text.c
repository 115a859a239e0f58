/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plain_text.h"

#include <string.h>

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~';
}

const char *plain_text(const char *text, char out[PLAIN_TEXT_LEN])
{
	static const char more[] = "...";
	size_t n = 0;

	for (; n < PLAIN_TEXT_LEN - 1 && text[n]; n++)
		out[n] = is_plain(text[n]) ? text[n] : '?';
	if (text[n]) {
		n = PLAIN_TEXT_LEN - sizeof(more);
		memcpy(out + n, more, sizeof(more));
	} else {
		out[n] = '\0';
	}
	return out;
}

void plain_text_write(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(is_plain(*text) ? *text : '?', out);
}

void plain_text_clean(char *text)
{
	for (; *text; text++) {
		if (!is_plain(*text))
			*text = '?';
	}
}

bool plain_text_is(const char *text)
{
	for (size_t n = 0; n < PLAIN_TEXT_LEN; n++) {
		if (!is_plain(text[n]))
			return !text[n];
	}
	return false;
}
