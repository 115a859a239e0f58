/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

void text_clear(struct text *text)
{
	text->len = 0;
	text->failed = false;
	if (text->data)
		text->data[0] = '\0';
}

void text_release(struct text *text)
{
	free(text->data);
	memset(text, 0, sizeof(*text));
}

const char *text_string(const struct text *text)
{
	return text->data ? text->data : "";
}

bool text_make_room(struct text *text, size_t n)
{
	size_t need = text->len + n + 1;
	char *grown;

	if (text->failed || need <= text->size)
		return !text->failed;
	grown = realloc(text->data, need < 256 ? 256 : need * 2);
	if (!grown) {
		text->failed = true;
		return false;
	}
	text->data = grown;
	text->size = need < 256 ? 256 : need * 2;
	return true;
}

void text_vput(struct text *text, const char *fmt, va_list args)
{
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || !text_make_room(text, (size_t)n))
		return;
	vsnprintf(text->data + text->len, (size_t)n + 1, fmt, args);
	text->len += (size_t)n;
}

void text_put(struct text *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_vput(text, fmt, args);
	va_end(args);
}

/* ---- quoting ------------------------------------------------------------ */

/*
 * What a terminal shows as a character of its own. Go asks tables of the
 * Unicode standard; here it is the ranges that matter: controls, spaces other
 * than the plain one, marks that change the direction or join, private use.
 */
static bool is_printable(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x0000, 0x001f }, { 0x007f, 0x00a0 }, { 0x00ad, 0x00ad },
		{ 0x061c, 0x061c }, { 0x1680, 0x1680 }, { 0x180e, 0x180e },
		{ 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
		{ 0x3000, 0x3000 }, { 0xd800, 0xf8ff }, { 0xfeff, 0xfeff },
		{ 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (c >= hidden[i].first && c <= hidden[i].last)
			return false;
	}
	return true;
}

static void put_go_escape(struct text *text, uint32_t c)
{
	static const char letters[] = "abtnvfr"; /* 7 to 13 */

	if (c >= 7 && c <= 13)
		text_put(text, "\\%c", letters[c - 7]);
	else if (c < 0x20 || c == 0x7f)
		text_put(text, "\\x%02x", c);
	else if (c < 0x10000)
		text_put(text, "\\u%04x", c);
	else
		text_put(text, "\\U%08x", c);
}

void text_put_quoted(struct text *text, const char *bytes, size_t n)
{
	size_t len;

	text_put_bytes(text, "\"", 1);
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = 0;

		len = utf8_decode(bytes + i, n - i, &c);
		if (len == 0) {
			text_put(text, "\\x%02x", (unsigned char)bytes[i]);
			len = 1;
		} else if (c == '"' || c == '\\') {
			text_put(text, "\\%c", (char)c);
		} else if (is_printable(c)) {
			text_put_bytes(text, bytes + i, len);
		} else {
			put_go_escape(text, c);
		}
	}
	text_put_bytes(text, "\"", 1);
}

void text_put_json_string(struct text *text, const char *bytes, size_t n)
{
	const unsigned char *p = (const unsigned char *)bytes;

	text_put_bytes(text, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			text_put(text, "\\%c", p[i]);
		else if (p[i] == '\n')
			text_put(text, "\\n");
		else if (p[i] == '\r')
			text_put(text, "\\r");
		else if (p[i] == '\t')
			text_put(text, "\\t");
		else if (p[i] < 0x20 || p[i] == '<' || p[i] == '>' ||
			 p[i] == '&')
			text_put(text, "\\u%04x", p[i]);
		else
			text_put_bytes(text, bytes + i, 1);
	}
	text_put_bytes(text, "\"", 1);
}
