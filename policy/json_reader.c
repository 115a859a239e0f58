/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a reader of our own, where jansson is linked anyway: findings name a
 * line, doubled keys have to be seen to be refused, and a list of all pods of
 * a cluster must not be in memory as a whole. jansson keeps no lines, drops
 * all but one of doubled keys, and builds the whole document.
 *
 * The grammar is RFC 8259 to the letter: no comments, no trailing commas, no
 * leading zeros, no bare control characters, UTF-8 checked. Half a surrogate
 * pair in an escape is legal there and means nothing; it becomes U+FFFD, as in
 * the API server.
 */
#include "json_reader.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE (1 << 16)
#define END_OF_TEXT (-1)

/* What may stand at the cursor. */
enum place {
	AT_DOCUMENT = 0, /* a value, or the end of the text */
	AT_VALUE,	 /* a value */
	AT_FIRST_ITEM,	 /* a value or ']' */
	AT_FIRST_KEY,	 /* a string or '}' */
	AT_KEY,		 /* a string */
	AFTER_VALUE,	 /* a comma or a closing bracket */
	AFTER_DOCUMENT,	 /* its end has to be told */
};

struct json_reader {
	manifest_read_fn read;
	void *read_ctx;
	int read_error; /* negative errno */
	bool at_end;
	size_t at;
	size_t filled;
	unsigned int line;

	enum place place;
	size_t depth;
	bool in_map[TREE_MAX_DEPTH + 1]; /* per level: a map or a list */

	/* The string or number being read, with a zero byte after it. */
	char *token;
	size_t token_len;
	size_t token_size;

	char buffer[BUFFER_SIZE];
};

int json_reader_new(manifest_read_fn read, void *read_ctx,
		    struct json_reader **out)
{
	struct json_reader *json = calloc(1, sizeof(*json));

	if (!json)
		return -ENOMEM;
	json->read = read;
	json->read_ctx = read_ctx;
	json->line = 1;
	*out = json;
	return 0;
}

void json_reader_free(struct json_reader *json)
{
	if (!json)
		return;
	free(json->token);
	free(json);
}

/* ---- bytes -------------------------------------------------------------- */

static void fill(struct json_reader *json)
{
	long n = json->read(json->read_ctx, json->buffer, BUFFER_SIZE);

	json->at = 0;
	json->filled = n > 0 ? (size_t)n : 0;
	json->at_end = n <= 0;
	if (n < 0)
		json->read_error = (int)n;
}

/* The byte at the cursor, or END_OF_TEXT. */
static int peek(struct json_reader *json)
{
	if (json->at == json->filled && !json->at_end)
		fill(json);
	if (json->at == json->filled)
		return END_OF_TEXT;
	return (unsigned char)json->buffer[json->at];
}

static void skip_blanks(struct json_reader *json)
{
	for (;;) {
		int ch = peek(json);

		if (ch == '\n')
			json->line++;
		else if (ch != ' ' && ch != '\t' && ch != '\r')
			return;
		json->at++;
	}
}

static int syntax_error(struct json_reader *json, const char *expected,
			struct err *err)
{
	int ch = peek(json);

	if (json->read_error)
		return err_set(err, json->read_error, "reading failed: %s",
			       strerror(-json->read_error));
	if (ch == END_OF_TEXT)
		return err_set(err, -EBADMSG,
			       "not JSON: the text ends where %s was expected",
			       expected);
	if (isprint(ch))
		return err_set(err, -EBADMSG,
			       "not JSON: '%c' where %s was expected", ch,
			       expected);
	return err_set(err, -EBADMSG,
		       "not JSON: byte 0x%02x where %s was expected",
		       (unsigned int)ch, expected);
}

static int skip_char(struct json_reader *json, char wanted,
		     const char *expected, struct err *err)
{
	if (peek(json) != wanted)
		return syntax_error(json, expected, err);
	json->at++;
	return 0;
}

/* ---- tokens ------------------------------------------------------------- */

static int token_put(struct json_reader *json, const char *bytes, size_t n,
		     struct err *err)
{
	size_t need = json->token_len + n + 1;

	if (need > TREE_MAX_TEXT)
		return err_set(err, -EBADMSG,
			       "a single value is longer than %d MiB",
			       TREE_MAX_TEXT >> 20);
	if (need > json->token_size) {
		size_t size = need < 256 ? 256 : need * 2;
		char *grown = realloc(json->token, size);

		if (!grown)
			return err_set(err, -ENOMEM,
				       "not enough memory to read JSON");
		json->token = grown;
		json->token_size = size;
	}
	memcpy(json->token + json->token_len, bytes, n);
	json->token_len += n;
	json->token[json->token_len] = '\0';
	return 0;
}

static int token_put_code_point(struct json_reader *json, unsigned int c,
				struct err *err)
{
	char bytes[4];
	size_t n;

	if (c < 0x80) {
		bytes[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		bytes[0] = (char)(0xc0 | c >> 6);
		bytes[1] = (char)(0x80 | (c & 0x3f));
		n = 2;
	} else if (c < 0x10000) {
		bytes[0] = (char)(0xe0 | c >> 12);
		bytes[1] = (char)(0x80 | (c >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (c & 0x3f));
		n = 3;
	} else {
		bytes[0] = (char)(0xf0 | c >> 18);
		bytes[1] = (char)(0x80 | (c >> 12 & 0x3f));
		bytes[2] = (char)(0x80 | (c >> 6 & 0x3f));
		bytes[3] = (char)(0x80 | (c & 0x3f));
		n = 4;
	}
	return token_put(json, bytes, n, err);
}

/* How many bytes the UTF-8 sequence at @p has; 0 when it is none (RFC 3629:
   no overlong forms, no surrogates, nothing beyond U+10FFFF). */
static size_t utf8_sequence(const unsigned char *p, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (len < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return n;
}

static int check_utf8(const struct json_reader *json, struct err *err)
{
	const unsigned char *p = (const unsigned char *)json->token;
	size_t n;

	for (size_t i = 0; i < json->token_len; i += n) {
		n = utf8_sequence(p + i, json->token_len - i);
		if (n == 0)
			return err_set(err, -EBADMSG,
				       "not JSON: a string is not UTF-8");
	}
	return 0;
}

/* ---- strings ------------------------------------------------------------ */

/* Four hexadecimal digits. */
static int read_code_unit(struct json_reader *json, unsigned int *out,
			  struct err *err)
{
	unsigned int value = 0;

	for (int i = 0; i < 4; i++) {
		int ch = peek(json);

		if (ch == END_OF_TEXT || !isxdigit(ch))
			return syntax_error(json, "a hexadecimal digit", err);
		value = value * 16 +
			(unsigned int)(isdigit(ch) ? ch - '0'
						   : (ch | 0x20) - 'a' + 10);
		json->at++;
	}
	*out = value;
	return 0;
}

#define REPLACEMENT 0xfffd

static bool is_high_surrogate(unsigned int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(unsigned int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static int read_simple_escape(struct json_reader *json, struct err *err)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	int ch = peek(json);
	const char *found = ch > 0 ? strchr(escapes, ch) : NULL;

	if (!found)
		return syntax_error(json, "an escape character", err);
	json->at++;
	return token_put(json, &meanings[found - escapes], 1, err);
}

/*
 * What follows a backslash. Two escapes in a row may be one character, so the
 * first half waits in @high until it is known what comes next.
 */
static int read_escape(struct json_reader *json, unsigned int *high,
		       struct err *err)
{
	unsigned int unit = 0, waiting = *high;
	int r;

	*high = 0;
	if (peek(json) != 'u') {
		if (waiting &&
		    (r = token_put_code_point(json, REPLACEMENT, err)) < 0)
			return r;
		return read_simple_escape(json, err);
	}
	json->at++;
	r = read_code_unit(json, &unit, err);
	if (r < 0)
		return r;
	if (waiting && is_low_surrogate(unit))
		return token_put_code_point(
			json,
			0x10000 + ((waiting - 0xd800) << 10) + (unit - 0xdc00),
			err);
	if (waiting) {
		r = token_put_code_point(json, REPLACEMENT, err);
		if (r < 0)
			return r;
	}
	if (is_high_surrogate(unit)) {
		*high = unit;
		return 0;
	}
	return token_put_code_point(
		json, is_low_surrogate(unit) ? REPLACEMENT : unit, err);
}

/* As many plain characters as the buffer holds. */
static int read_plain(struct json_reader *json, struct err *err)
{
	size_t end = json->at;

	while (end < json->filled) {
		unsigned char ch = (unsigned char)json->buffer[end];

		if (ch == '"' || ch == '\\' || ch < 0x20)
			break;
		end++;
	}
	if (end == json->at)
		return syntax_error(json, "a character of a string", err);
	end -= json->at;
	json->at += end;
	return token_put(json, json->buffer + json->at - end, end, err);
}

/* Into the token; the cursor is behind the opening quote. */
static int read_string(struct json_reader *json, struct err *err)
{
	unsigned int high = 0;
	int r = 0;

	json->token_len = 0;
	r = token_put(json, "", 0, err);
	while (r == 0) {
		int ch = peek(json);

		if (ch == '\\') {
			json->at++;
			r = read_escape(json, &high, err);
			continue;
		}
		if (high) {
			high = 0;
			r = token_put_code_point(json, REPLACEMENT, err);
			if (r < 0)
				return r;
		}
		if (ch == '"') {
			json->at++;
			return check_utf8(json, err);
		}
		r = read_plain(json, err);
	}
	return r;
}

/* ---- numbers and words -------------------------------------------------- */

static int read_digits(struct json_reader *json, struct err *err)
{
	int ch = peek(json);
	int r = 0;

	if (ch == END_OF_TEXT || !isdigit(ch))
		return syntax_error(json, "a digit", err);
	while (r == 0 && (ch = peek(json)) != END_OF_TEXT && isdigit(ch)) {
		r = token_put(json, &json->buffer[json->at], 1, err);
		json->at++;
	}
	return r;
}

/* Move one of the given characters into the token, if it is there. */
static int take_any(struct json_reader *json, const char *wanted, bool *taken,
		    struct err *err)
{
	int ch = peek(json);

	*taken = ch > 0 && strchr(wanted, ch);
	if (!*taken)
		return 0;
	json->at++;
	return token_put(json, &json->buffer[json->at - 1], 1, err);
}

/* [ minus ] int [ frac ] [ exp ], into the token. */
static int read_number_text(struct json_reader *json, bool *is_integer,
			    struct err *err)
{
	bool taken;
	int r;

	*is_integer = true;
	json->token_len = 0;
	if ((r = take_any(json, "-", &taken, err)) < 0 ||
	    (r = take_any(json, "0", &taken, err)) < 0)
		return r;
	if (!taken && (r = read_digits(json, err)) < 0)
		return r;
	if ((r = take_any(json, ".", &taken, err)) < 0)
		return r;
	if (taken) {
		*is_integer = false;
		if ((r = read_digits(json, err)) < 0)
			return r;
	}
	if ((r = take_any(json, "eE", &taken, err)) < 0 || !taken)
		return r;
	*is_integer = false;
	if ((r = take_any(json, "+-", &taken, err)) < 0)
		return r;
	return read_digits(json, err);
}

static int read_number(struct json_reader *json, struct tree *out,
		       struct err *err)
{
	bool is_integer;
	int r = read_number_text(json, &is_integer, err);

	if (r < 0)
		return r;
	if (is_integer) {
		errno = 0;
		out->type = TREE_INT;
		out->integer = strtoll(json->token, NULL, 10);
		if (errno == 0)
			return 0;
	}
	/* The program runs in the "C" locale, where strtod() reads a dot. */
	out->type = TREE_FLOAT;
	out->real = strtod(json->token, NULL);
	if (isinf(out->real))
		return err_set(err, -EBADMSG, "the number %.40s is too large",
			       json->token);
	return 0;
}

static int read_word(struct json_reader *json, const char *word,
		     struct err *err)
{
	for (const char *p = word; *p; p++) {
		int r = skip_char(json, *p, word, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- structure ---------------------------------------------------------- */

static void value_ended(struct json_reader *json)
{
	json->place = json->depth > 0 ? AFTER_VALUE : AFTER_DOCUMENT;
}

static int begin_collection(struct json_reader *json, bool is_map,
			    struct err *err)
{
	if (json->depth == TREE_MAX_DEPTH)
		return err_set(err, -EBADMSG,
			       "values are nested more than %d levels deep",
			       TREE_MAX_DEPTH);
	json->at++;
	json->in_map[++json->depth] = is_map;
	json->place = is_map ? AT_FIRST_KEY : AT_FIRST_ITEM;
	return 0;
}

static void end_collection(struct json_reader *json, struct event *event)
{
	json->at++;
	event->type =
		json->in_map[json->depth] ? EVENT_MAP_END : EVENT_LIST_END;
	json->depth--;
	value_ended(json);
}

static int read_scalar(struct json_reader *json, int ch, struct tree *out,
		       struct err *err)
{
	if (ch == '-' || (ch >= '0' && ch <= '9'))
		return read_number(json, out, err);
	if (ch == 't' || ch == 'f') {
		out->type = TREE_BOOL;
		out->boolean = ch == 't';
		return read_word(json, ch == 't' ? "true" : "false", err);
	}
	if (ch == 'n') {
		out->type = TREE_NULL;
		return read_word(json, "null", err);
	}
	return syntax_error(json, "a value", err);
}

static int read_quoted(struct json_reader *json, struct event *event,
		       struct err *err)
{
	int r;

	json->at++;
	r = read_string(json, err);
	event->type = EVENT_SCALAR;
	event->scalar.type = TREE_STRING;
	event->scalar.text = json->token;
	event->scalar.len = (uint32_t)json->token_len;
	return r;
}

static int read_value(struct json_reader *json, struct event *event,
		      struct err *err)
{
	int ch = peek(json);
	int r;

	if (ch == '{' || ch == '[') {
		event->type = ch == '{' ? EVENT_MAP : EVENT_LIST;
		return begin_collection(json, ch == '{', err);
	}
	if (ch == '"') {
		r = read_quoted(json, event, err);
	} else {
		event->type = EVENT_SCALAR;
		r = read_scalar(json, ch, &event->scalar, err);
	}
	value_ended(json);
	return r;
}

static int read_key(struct json_reader *json, struct event *event,
		    struct err *err)
{
	int r;

	if (peek(json) != '"')
		return syntax_error(json, "a key in quotes", err);
	r = read_quoted(json, event, err);
	if (r < 0)
		return r;
	skip_blanks(json);
	json->place = AT_VALUE;
	return skip_char(json, ':', "a colon", err);
}

/* A comma, which is no event, or the end of the list or map. */
static int read_separator(struct json_reader *json, struct event *event,
			  bool *ended, struct err *err)
{
	bool is_map = json->in_map[json->depth];

	*ended = peek(json) == (is_map ? '}' : ']');
	if (*ended) {
		end_collection(json, event);
		return 0;
	}
	json->place = is_map ? AT_KEY : AT_VALUE;
	return skip_char(json, ',', is_map ? "',' or '}'" : "',' or ']'", err);
}

static int json_reader_next(void *reader, struct event *event, struct err *err)
{
	struct json_reader *json = reader;

	*event = (struct event){ .type = EVENT_END };
	skip_blanks(json);
	if (json->place == AFTER_VALUE) {
		bool ended;
		int r;

		event->line = json->line;
		r = read_separator(json, event, &ended, err);
		if (r < 0 || ended)
			return r;
		skip_blanks(json);
	}
	event->line = json->line;
	switch (json->place) {
	case AFTER_DOCUMENT:
		event->type = EVENT_DOCUMENT_END;
		json->place = AT_DOCUMENT;
		return 0;
	case AT_DOCUMENT:
		if (peek(json) == END_OF_TEXT && !json->read_error)
			return 0;
		return read_value(json, event, err);
	case AT_FIRST_ITEM:
		if (peek(json) != ']')
			return read_value(json, event, err);
		end_collection(json, event);
		return 0;
	case AT_FIRST_KEY:
		if (peek(json) != '}')
			return read_key(json, event, err);
		end_collection(json, event);
		return 0;
	case AT_KEY:
		return read_key(json, event, err);
	default:
		return read_value(json, event, err);
	}
}

static unsigned int json_reader_line(const void *reader)
{
	const struct json_reader *json = reader;

	return json->line;
}

struct event_source json_reader_source(struct json_reader *json)
{
	return (struct event_source){
		.next = json_reader_next,
		.line = json_reader_line,
		.reader = json,
	};
}
