/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for most records. */
#define FIRST_SIZE 2048

/* ---- bytes -------------------------------------------------------------- */

void json_text_clear(struct json_text *text)
{
	text->len = 0;
	text->failed = false;
	text->is_begun = false;
}

void json_text_release(struct json_text *text)
{
	if (text->words)
		fclose(text->words);
	free(text->data);
	*text = (struct json_text){ 0 };
}

static bool make_room(struct json_text *text, size_t n)
{
	size_t size = text->size ? text->size : FIRST_SIZE;
	char *data;

	if (text->failed)
		return false;
	if (text->size - text->len >= n)
		return true;
	while (size - text->len < n)
		size *= 2;
	data = realloc(text->data, size);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->size = size;
	return true;
}

static void put(struct json_text *text, const char *bytes, size_t n)
{
	if (!make_room(text, n))
		return;
	memcpy(text->data + text->len, bytes, n);
	text->len += n;
}

static bool is_special(unsigned char c)
{
	return c < ' ' || c == '"' || c == '\\';
}

static void put_special(struct json_text *text, unsigned char c)
{
	char escape[sizeof("\\u0000")];

	if (c == '"' || c == '\\')
		snprintf(escape, sizeof(escape), "\\%c", c);
	else
		snprintf(escape, sizeof(escape), "\\u%04x", c);
	put(text, escape, strlen(escape));
}

static void put_escaped(struct json_text *text, const char *bytes, size_t n)
{
	size_t plain = 0; /* where what needs no escape begins */

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (!is_special(c))
			continue;
		put(text, bytes + plain, i - plain);
		put_special(text, c);
		plain = i + 1;
	}
	put(text, bytes + plain, n - plain);
}

/* ---- values ------------------------------------------------------------- */

/* Before a value, or the key of one. */
static void begin_value(struct json_text *text)
{
	if (text->is_begun)
		put(text, ",", 1);
	text->is_begun = true;
}

static void begin(struct json_text *text, const char *bracket)
{
	begin_value(text);
	put(text, bracket, 1);
	text->is_begun = false;
}

static void end(struct json_text *text, const char *bracket)
{
	put(text, bracket, 1);
	text->is_begun = true;
}

void json_text_begin_object(struct json_text *text)
{
	begin(text, "{");
}

void json_text_end_object(struct json_text *text)
{
	end(text, "}");
}

void json_text_begin_array(struct json_text *text)
{
	begin(text, "[");
}

void json_text_end_array(struct json_text *text)
{
	end(text, "]");
}

void json_text_key(struct json_text *text, const char *key)
{
	begin_value(text);
	put(text, "\"", 1);
	put(text, key, strlen(key));
	put(text, "\":", 2);
	text->is_begun = false;
}

void json_text_name(struct json_text *text, const char *key)
{
	begin_value(text);
	put(text, "\"", 1);
	put_escaped(text, key, strlen(key));
	put(text, "\":", 2);
	text->is_begun = false;
}

void json_text_string(struct json_text *text, const char *value)
{
	begin_value(text);
	put(text, "\"", 1);
	put_escaped(text, value, strlen(value));
	put(text, "\"", 1);
}

void json_text_number(struct json_text *text, uint64_t value)
{
	char digits[20], *first = digits + sizeof(digits);

	begin_value(text);
	do {
		*--first = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	put(text, first, (size_t)(digits + sizeof(digits) - first));
}

void json_text_bool(struct json_text *text, bool value)
{
	begin_value(text);
	put(text, value ? "true" : "false", value ? 4 : 5);
}

/* ---- words -------------------------------------------------------------- */

static ssize_t take_words(void *cookie, const char *bytes, size_t n)
{
	put_escaped(cookie, bytes, n);
	return (ssize_t)n;
}

FILE *json_text_begin_words(struct json_text *text)
{
	static const cookie_io_functions_t functions = { .write = take_words };

	if (!text->words)
		text->words = fopencookie(text, "w", functions);
	if (!text->words) {
		text->failed = true;
		return NULL;
	}
	begin_value(text);
	put(text, "\"", 1);
	return text->words;
}

void json_text_end_words(struct json_text *text)
{
	fflush(text->words);
	put(text, "\"", 1);
}

/* ---- lines -------------------------------------------------------------- */

int json_text_end_line(struct json_text *text)
{
	put(text, "\n", 1);
	return text->failed ? -ENOMEM : 0;
}

int json_text_write_line(struct json_text *text, FILE *out)
{
	int r = json_text_end_line(text);

	if (r == 0)
		fwrite(text->data, 1, text->len, out);
	json_text_clear(text);
	return r;
}
