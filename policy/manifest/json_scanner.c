/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json_scanner.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

void json_scanner_restart(struct json_scanner *scanner)
{
	scanner->read_error = 0;
	scanner->line = 1;
	scanner->at_end = false;
	scanner->at = 0;
	scanner->filled = 0;
}

void json_scanner_release(struct json_scanner *scanner)
{
	text_release(&scanner->token);
}

/* ---- bytes -------------------------------------------------------------- */

static void fill(struct json_scanner *scanner)
{
	long n = scanner->read(scanner->read_ctx, scanner->buffer,
			       sizeof(scanner->buffer));

	scanner->at = 0;
	scanner->filled = n > 0 ? (size_t)n : 0;
	scanner->at_end = n <= 0;
	if (n < 0)
		scanner->read_error = (int)n;
}

int json_scanner_refill(struct json_scanner *scanner)
{
	if (!scanner->at_end)
		fill(scanner);
	if (scanner->at == scanner->filled)
		return END_OF_TEXT;
	return (unsigned char)scanner->buffer[scanner->at];
}

void json_scanner_skip_blanks(struct json_scanner *scanner)
{
	for (;;) {
		int ch = json_scanner_peek(scanner);

		if (ch == '\n')
			scanner->line++;
		else if (ch != ' ' && ch != '\t' && ch != '\r')
			return;
		scanner->at++;
	}
}

int json_scanner_error(struct json_scanner *scanner, const char *expected,
		       struct err *err)
{
	int ch = json_scanner_peek(scanner);

	if (scanner->read_error)
		return err_set(err, scanner->read_error, "reading failed: %s",
			       strerror(-scanner->read_error));
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

int json_scanner_skip(struct json_scanner *scanner, char wanted,
		      const char *expected, struct err *err)
{
	if (json_scanner_peek(scanner) != wanted)
		return json_scanner_error(scanner, expected, err);
	scanner->at++;
	return 0;
}

/* ---- the token ---------------------------------------------------------- */

static int token_put(struct json_scanner *scanner, const char *bytes, size_t n,
		     struct err *err)
{
	if (scanner->token.len + n >= TREE_MAX_TEXT)
		return err_set(err, -EBADMSG,
			       "a single value is longer than %d MiB",
			       TREE_MAX_TEXT >> 20);
	text_put_bytes(&scanner->token, bytes, n);
	if (scanner->token.failed)
		return err_set(err, -ENOMEM, "not enough memory to read JSON");
	return 0;
}

static int token_put_code_point(struct json_scanner *scanner, uint32_t c,
				struct err *err)
{
	char bytes[UTF8_MAX_LEN];
	size_t n = utf8_encode(c, bytes);

	return token_put(scanner, bytes, n, err);
}

static int check_utf8(const struct json_scanner *scanner, struct err *err)
{
	const char *p = scanner->token.data;
	uint32_t c;
	size_t n;

	if (utf8_is_ascii(p, scanner->token.len))
		return 0;
	for (size_t i = 0; i < scanner->token.len; i += n) {
		n = utf8_decode(p + i, scanner->token.len - i, &c);
		if (n == 0)
			return err_set(err, -EBADMSG,
				       "not JSON: a string is not UTF-8");
	}
	return 0;
}

/* ---- strings ------------------------------------------------------------ */

/* Four hexadecimal digits. */
static int read_code_unit(struct json_scanner *scanner, unsigned int *out,
			  struct err *err)
{
	unsigned int value = 0;

	for (int i = 0; i < 4; i++) {
		int ch = json_scanner_peek(scanner);

		if (ch == END_OF_TEXT || !isxdigit(ch))
			return json_scanner_error(scanner,
						  "a hexadecimal digit", err);
		value = value * 16 +
			(unsigned int)(isdigit(ch) ? ch - '0'
						   : (ch | 0x20) - 'a' + 10);
		scanner->at++;
	}
	*out = value;
	return 0;
}

static bool is_high_surrogate(unsigned int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(unsigned int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static int read_simple_escape(struct json_scanner *scanner, struct err *err)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	int ch = json_scanner_peek(scanner);
	const char *found = ch > 0 ? strchr(escapes, ch) : NULL;

	if (!found)
		return json_scanner_error(scanner, "an escape character", err);
	scanner->at++;
	return token_put(scanner, &meanings[found - escapes], 1, err);
}

static uint32_t join_surrogates(unsigned int high, unsigned int low)
{
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/*
 * What follows "\u". Two of these in a row may be one character, so that a
 * first half waits in @high until it is known what comes next.
 */
static int read_numbered_escape(struct json_scanner *scanner,
				unsigned int *high, struct err *err)
{
	unsigned int unit = 0, waiting = *high;
	int r = read_code_unit(scanner, &unit, err);

	if (r < 0)
		return r;
	*high = is_high_surrogate(unit) ? unit : 0;
	if (waiting && is_low_surrogate(unit))
		return token_put_code_point(
			scanner, join_surrogates(waiting, unit), err);
	if (waiting) {
		r = token_put_code_point(scanner, UTF8_REPLACEMENT, err);
		if (r < 0)
			return r;
	}
	if (*high)
		return 0;
	if (is_low_surrogate(unit))
		unit = UTF8_REPLACEMENT;
	return token_put_code_point(scanner, unit, err);
}

/* A first half that nothing followed. */
static int give_up_half(struct json_scanner *scanner, unsigned int *high,
			struct err *err)
{
	if (!*high)
		return 0;
	*high = 0;
	return token_put_code_point(scanner, UTF8_REPLACEMENT, err);
}

/* What follows a backslash. */
static int read_escape(struct json_scanner *scanner, unsigned int *high,
		       struct err *err)
{
	int r;

	if (json_scanner_peek(scanner) == 'u') {
		scanner->at++;
		return read_numbered_escape(scanner, high, err);
	}
	r = give_up_half(scanner, high, err);
	return r < 0 ? r : read_simple_escape(scanner, err);
}

static bool is_plain(unsigned char ch)
{
	return ch != '"' && ch != '\\' && ch >= 0x20;
}

/* How many plain characters come next in the buffer. */
static size_t count_plain(const struct json_scanner *scanner)
{
	const char *begin = scanner->buffer + scanner->at;
	const char *end = scanner->buffer + scanner->filled;
	const char *p = begin;

	while (p < end && is_plain((unsigned char)*p))
		p++;
	return (size_t)(p - begin);
}

/* As many plain characters as the buffer holds. */
static int read_plain(struct json_scanner *scanner, struct err *err)
{
	size_t n = count_plain(scanner);

	if (n == 0)
		return json_scanner_error(scanner, "a character of a string",
					  err);
	scanner->at += n;
	return token_put(scanner, scanner->buffer + scanner->at - n, n, err);
}

/* Most strings lie in the buffer, are short, and have no escape. */
static bool is_simple(const struct json_scanner *scanner, size_t *len)
{
	*len = count_plain(scanner);
	return scanner->at + *len < scanner->filled &&
	       scanner->buffer[scanner->at + *len] == '"';
}

/* Into the token; the cursor is behind the opening quote. */
int json_scanner_string(struct json_scanner *scanner, struct err *err)
{
	unsigned int high = 0;
	size_t len;
	int r = 0;

	text_clear(&scanner->token);
	if (is_simple(scanner, &len)) {
		r = token_put(scanner, scanner->buffer + scanner->at, len, err);
		scanner->at += len + 1;
		return r < 0 ? r : check_utf8(scanner, err);
	}
	r = token_put(scanner, "", 0, err);
	while (r == 0) {
		int ch = json_scanner_peek(scanner);

		if (ch == '\\') {
			scanner->at++;
			r = read_escape(scanner, &high, err);
			continue;
		}
		r = give_up_half(scanner, &high, err);
		if (r < 0)
			return r;
		if (ch == '"') {
			scanner->at++;
			return check_utf8(scanner, err);
		}
		r = read_plain(scanner, err);
	}
	return r;
}

/* ---- numbers and words -------------------------------------------------- */

static int read_digits(struct json_scanner *scanner, struct err *err)
{
	int ch = json_scanner_peek(scanner);
	int r = 0;

	if (ch == END_OF_TEXT || !isdigit(ch))
		return json_scanner_error(scanner, "a digit", err);
	while (r == 0 && (ch = json_scanner_peek(scanner)) != END_OF_TEXT &&
	       isdigit(ch)) {
		r = token_put(scanner, &scanner->buffer[scanner->at], 1, err);
		scanner->at++;
	}
	return r;
}

/* Move one of the given characters into the token, if it is there. */
static int take_any(struct json_scanner *scanner, const char *wanted,
		    bool *taken, struct err *err)
{
	int ch = json_scanner_peek(scanner);

	*taken = ch > 0 && strchr(wanted, ch);
	if (!*taken)
		return 0;
	scanner->at++;
	return token_put(scanner, &scanner->buffer[scanner->at - 1], 1, err);
}

/* [ minus ] int [ frac ] [ exp ], into the token. */
static int read_number_text(struct json_scanner *scanner, bool *is_integer,
			    struct err *err)
{
	bool taken;
	int r;

	*is_integer = true;
	text_clear(&scanner->token);
	if ((r = take_any(scanner, "-", &taken, err)) < 0 ||
	    (r = take_any(scanner, "0", &taken, err)) < 0)
		return r;
	if (!taken && (r = read_digits(scanner, err)) < 0)
		return r;
	if ((r = take_any(scanner, ".", &taken, err)) < 0)
		return r;
	if (taken) {
		*is_integer = false;
		if ((r = read_digits(scanner, err)) < 0)
			return r;
	}
	if ((r = take_any(scanner, "eE", &taken, err)) < 0 || !taken)
		return r;
	*is_integer = false;
	if ((r = take_any(scanner, "+-", &taken, err)) < 0)
		return r;
	return read_digits(scanner, err);
}

int json_scanner_number(struct json_scanner *scanner, struct tree *out,
			struct err *err)
{
	bool is_integer;
	int r = read_number_text(scanner, &is_integer, err);

	if (r < 0)
		return r;
	if (is_integer) {
		errno = 0;
		out->type = TREE_INT;
		out->integer = strtoll(scanner->token.data, NULL, 10);
		if (errno == 0)
			return 0;
	}
	/* The program runs in the "C" locale, where strtod() reads a dot. */
	out->type = TREE_FLOAT;
	out->real = strtod(scanner->token.data, NULL);
	if (isinf(out->real))
		return err_set(err, -EBADMSG, "the number %.40s is too large",
			       scanner->token.data);
	return 0;
}

int json_scanner_word(struct json_scanner *scanner, const char *word,
		      struct err *err)
{
	for (const char *p = word; *p; p++) {
		int r = json_scanner_skip(scanner, *p, word, err);

		if (r < 0)
			return r;
	}
	return 0;
}
