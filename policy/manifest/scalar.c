/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * YAML 1.1 as kubectl's library understands it, which is neither the letter of
 * YAML 1.1 (there are no sexagesimal numbers here) nor YAML 1.2 (`017` is 15).
 * A number is looked for in this order: a word with a fixed meaning; an
 * integer in Go's notation, underscores ignored; a float; otherwise the word
 * is text. `080` is no octal number but a good float, and so becomes 80.
 */
#include "scalar.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_PREFIX "tag:yaml.org,2002:"

/* ---- words -------------------------------------------------------------- */

static bool word_in(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

static bool resolve_word(const char *text, struct tree *out)
{
	static const char *const yes[] = {
		"y",  "Y",  "yes",  "Yes",  "YES",  "on",
		"On", "ON", "true", "True", "TRUE", NULL,
	};
	static const char *const no[] = {
		"n",   "N",   "no",    "No",	"NO",	 "off",
		"Off", "OFF", "false", "False", "FALSE", NULL,
	};
	static const char *const null[] = { "",	    "~",    "null",
					    "Null", "NULL", NULL };
	static const char *const infinite[] = {
		".inf",	 ".Inf",  ".INF",  "+.inf", "+.Inf",
		"+.INF", "-.inf", "-.Inf", "-.INF", NULL,
	};
	static const char *const nan[] = { ".nan", ".NaN", ".NAN", NULL };

	if (word_in(text, yes) || word_in(text, no)) {
		out->type = TREE_BOOL;
		out->boolean = word_in(text, yes);
	} else if (word_in(text, null)) {
		out->type = TREE_NULL;
	} else if (word_in(text, infinite) || word_in(text, nan)) {
		out->type = TREE_FLOAT;
		out->real = word_in(text, nan) ? NAN : INFINITY;
	} else {
		return false;
	}
	return true;
}

/* ---- numbers ------------------------------------------------------------ */

/* Base by prefix, as in Go: 0x 0b 0o, and a mere 0 for octal. */
static unsigned int number_base(const char **digits)
{
	const char *p = *digits;

	if (p[0] != '0' || p[1] == '\0')
		return 10;
	switch (p[1]) {
	case 'x':
	case 'X':
		*digits += 2;
		return 16;
	case 'b':
	case 'B':
		*digits += 2;
		return 2;
	case 'o':
	case 'O':
		*digits += 2;
		return 8;
	}
	*digits += 1;
	return 8;
}

static unsigned int digit_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return (unsigned int)(ch - '0');
	if (ch >= 'a' && ch <= 'f')
		return (unsigned int)(ch - 'a') + 10;
	if (ch >= 'A' && ch <= 'F')
		return (unsigned int)(ch - 'A') + 10;
	return 255;
}

/* An integer that fits in 64 bits. What lies beyond int64_t becomes a float,
   which no field of ours accepts. */
static bool resolve_integer(const char *text, struct tree *out)
{
	bool is_negative = *text == '-';
	bool has_sign = is_negative || *text == '+';
	const char *p = text + has_sign;
	uint64_t value = 0;
	unsigned int base = number_base(&p);

	if (!*p)
		return false;
	for (; *p; p++) {
		unsigned int digit = digit_value(*p);

		if (digit >= base ||
		    __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (value <= INT64_MAX) {
		out->type = TREE_INT;
		out->integer = is_negative ? -(int64_t)value : (int64_t)value;
		return true;
	}
	if (is_negative && value == (uint64_t)INT64_MAX + 1) {
		out->type = TREE_INT;
		out->integer = INT64_MIN;
		return true;
	}
	if (has_sign)
		return false;
	out->type = TREE_FLOAT;
	out->real = (double)value;
	return true;
}

static const char *skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* [-+]? ( .D+ | D+ (.D*)? ) ( [eE] [-+]? D+ )? */
static bool is_float(const char *p)
{
	const char *start;

	if (*p == '-' || *p == '+')
		p++;
	start = p;
	p = skip_digits(p);
	if (*p == '.') {
		bool has_digits = p > start;

		start = ++p;
		p = skip_digits(p);
		if (!has_digits && p == start)
			return false;
	} else if (p == start) {
		return false;
	}
	if (*p != 'e' && *p != 'E')
		return *p == '\0';
	p++;
	if (*p == '-' || *p == '+')
		p++;
	start = p;
	p = skip_digits(p);
	return p > start && *p == '\0';
}

/* The program runs in the "C" locale, where strtod() reads a dot. */
static bool resolve_float(const char *text, struct tree *out)
{
	double value;

	if (!is_float(text))
		return false;
	value = strtod(text, NULL);
	if (isinf(value))
		return false; /* too large: kubectl reads text */
	out->type = TREE_FLOAT;
	out->real = value;
	return true;
}

/* Each underscore stands between two digits. */
static bool underscores_separate_digits(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '_' && (p == text || digit_value(p[-1]) > 9 ||
				  digit_value(p[1]) > 9))
			return false;
	}
	return true;
}

/* Longer words are no numbers that anybody means. */
#define LONGEST_NUMBER 400

static bool resolve_number(const char *text, size_t len, struct tree *out)
{
	char plain[LONGEST_NUMBER + 1];
	size_t n = 0;

	if (len > LONGEST_NUMBER || strlen(text) != len)
		return false;
	if (text[0] != '.' && text[0] != '-' && text[0] != '+' &&
	    digit_value(text[0]) > 9)
		return false;
	for (const char *p = text; *p; p++) {
		if (*p != '_')
			plain[n++] = *p;
	}
	plain[n] = '\0';
	if (text[0] == '.')
		return underscores_separate_digits(text) &&
		       resolve_float(plain, out);
	return resolve_integer(plain, out) || resolve_float(plain, out);
}

/* ---- tags --------------------------------------------------------------- */

static const struct {
	const char *tag;
	enum tree_type type;
} scalar_tags[] = {
	{ TAG_PREFIX "null", TREE_NULL },
	{ TAG_PREFIX "bool", TREE_BOOL },
	{ TAG_PREFIX "int", TREE_INT },
	{ TAG_PREFIX "float", TREE_FLOAT },
};
#define N_SCALAR_TAGS (sizeof(scalar_tags) / sizeof(scalar_tags[0]))

static int check_tag(const char *tag, const char *text, struct tree *out,
		     struct err *err)
{
	for (size_t i = 0; i < N_SCALAR_TAGS; i++) {
		if (strcmp(tag, scalar_tags[i].tag) != 0)
			continue;
		if (scalar_tags[i].type == TREE_FLOAT &&
		    out->type == TREE_INT) {
			out->type = TREE_FLOAT;
			out->real = (double)out->integer;
		}
		if (out->type == scalar_tags[i].type)
			return 0;
		return err_set(err, -EBADMSG,
			       "'%.80s' has the tag !!%s but is none", text,
			       tag + strlen(TAG_PREFIX));
	}
	return 0;
}

/* Any other tag, !!str and those of other programs, makes text. */
static bool makes_text(const char *tag)
{
	for (size_t i = 0; i < N_SCALAR_TAGS; i++) {
		if (strcmp(tag, scalar_tags[i].tag) == 0)
			return false;
	}
	return true;
}

int scalar_resolve(const char *tag, const char *text, size_t len,
		   struct tree *out, struct err *err)
{
	bool is_word;

	if (tag && strcmp(tag, TAG_PREFIX "binary") == 0)
		return err_set(err, -EBADMSG,
			       "the tag !!binary is not "
			       "supported");
	out->type = TREE_STRING;
	out->text = text;
	out->len = (uint32_t)len;
	if (tag && makes_text(tag))
		return 0;
	is_word = strlen(text) == len && resolve_word(text, out);
	if (!is_word)
		resolve_number(text, len, out);
	if (out->type == TREE_FLOAT && !isfinite(out->real))
		return err_set(err, -EBADMSG,
			       "'%s' cannot be a value of a Kubernetes object",
			       text);
	return tag ? check_tag(tag, text, out, err) : 0;
}

/* ---- writing ------------------------------------------------------------ */

/* The fewest digits that read back as the same number, as "d.ddde+XX". */
static void shortest_digits(double value, bool is_single,
			    char text[SCALAR_REAL_LEN])
{
	for (int digits = 0; digits < 17; digits++) {
		snprintf(text, SCALAR_REAL_LEN, "%.*e", digits, value);
		if (is_single ? strtof(text, NULL) == (float)value
			      : strtod(text, NULL) == value)
			return;
	}
}

/* Digits and a place for the dot, from 1 for "d.ddd" on. */
static void put_decimal(const char *digits, int n, int point, char *out)
{
	if (point <= 0) {
		*out++ = '0';
		*out++ = '.';
		while (point++ < 0)
			*out++ = '0';
		memcpy(out, digits, (size_t)n);
		out[n] = '\0';
		return;
	}
	for (int i = 0; i < n || i < point; i++) {
		if (i == point)
			*out++ = '.';
		*out++ = i < n ? digits[i] : '0';
	}
	*out = '\0';
}

/* Without an exponent from 10^low up to 10^high. */
static char *format_real(double value, bool is_single, int low, int high,
			 char text[SCALAR_REAL_LEN])
{
	char short_form[SCALAR_REAL_LEN], digits[20];
	const char *p = short_form, *e;
	int exponent, n = 0;
	char *out = text;

	shortest_digits(value, is_single, short_form);
	e = strchr(short_form, 'e');
	exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
	if (!e || exponent < low || exponent >= high)
		return strcpy(text, short_form);
	if (*p == '-')
		*out++ = *p++;
	for (; p < e; p++) {
		if (*p != '.')
			digits[n++] = *p;
	}
	put_decimal(digits, n, exponent + 1, out);
	return text;
}

char *scalar_format_real(double value, char text[SCALAR_REAL_LEN])
{
	return format_real(value, false, -6, 21, text);
}

char *scalar_format_real_key(double value, char text[SCALAR_REAL_LEN])
{
	return format_real(value, true, -4, 6, text);
}
