/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cut.h"

#include <string.h>

struct cut cut_begin(char first)
{
	struct cut cut = { .form = CUT_WORD };

	if (first == '{' || first == '[')
		cut.form = CUT_NESTED;
	else if (first == '"')
		cut.form = CUT_STRING;
	return cut;
}

/* Up to what cannot be part of a number or a name. */
static size_t feed_word(struct cut *cut, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr(",]}: \t\r\n\"{[", bytes[i])) {
			cut->is_done = true;
			return i;
		}
	}
	return len;
}

static void step(struct cut *cut, char ch)
{
	if (cut->is_escaped) {
		cut->is_escaped = false;
	} else if (cut->in_string) {
		cut->is_escaped = ch == '\\';
		cut->in_string = ch != '"';
	} else if (ch == '"') {
		cut->in_string = true;
	} else if (ch == '{' || ch == '[') {
		cut->depth++;
	} else if (ch == '}' || ch == ']') {
		cut->depth--;
	}
}

size_t cut_feed(struct cut *cut, const char *bytes, size_t len)
{
	if (cut->form == CUT_WORD)
		return feed_word(cut, bytes, len);
	for (size_t i = 0; i < len; i++) {
		step(cut, bytes[i]);
		if (cut->depth == 0 && !cut->in_string) {
			cut->is_done = true;
			return i + 1;
		}
	}
	return len;
}
