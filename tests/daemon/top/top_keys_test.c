/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "top/top_keys.h"

#define N(kind)                                                                \
	{                                                                      \
		TOP_KEY_##kind, 0                                              \
	}
#define C(c)                                                                   \
	{                                                                      \
		TOP_KEY_CHAR, c                                                \
	}

/* What is typed, and the keys that are in it. */
static const struct {
	const char *name, *bytes;
	struct top_key keys[8]; /* up to the first none */
} cases[] = {
	{ "characters are keys", "aB/", { C('a'), C('B'), C('/') } },
	{ "an arrow is one key", "\x1b[A\x1b[B", { N(UP), N(DOWN) } },
	{ "so it is in the other mode of a terminal",
	  "\x1bOC\x1bOD",
	  { N(RIGHT), N(LEFT) } },
	{ "pages are numbers", "\x1b[5~\x1b[6~", { N(PAGE_UP), N(PAGE_DOWN) } },
	{ "home and end have many names",
	  "\x1b[H\x1b[1~\x1b[7~\x1b[F\x1b[4~\x1b[8~",
	  { N(HOME), N(HOME), N(HOME), N(END), N(END), N(END) } },
	{ "an arrow with control is an arrow", "\x1b[1;5C", { N(RIGHT) } },
	{ "enter, tab and both ways to rub out",
	  "\r\n\t\x7f\b",
	  { N(ENTER), N(ENTER), N(TAB), N(RUBOUT), N(RUBOUT) } },
	{ "^C and ^D end it", "\x03\x04", { N(END_OF_FILE), N(END_OF_FILE) } },
	{ "escape alone is a key", "\x1b", { N(ESCAPE) } },
	{ "so it is before a character", "\x1bq", { N(ESCAPE), C('q') } },
	{ "and before another", "\x1b\x1b[A", { N(ESCAPE), N(UP) } },
};

/* In pieces of any size the keys are the same. */
static void check(size_t i, size_t piece)
{
	size_t len = strlen(cases[i].bytes), n = 0;
	struct top_keys keys = { .n = 0 };
	struct top_key key;

	for (size_t at = 0; at < len; at += piece) {
		size_t own = len - at < piece ? len - at : piece;

		assert_int_equal(
			own, top_keys_feed(&keys, cases[i].bytes + at, own));
		while (top_keys_next(&keys, at + own == len, &key)) {
			if (key.kind != cases[i].keys[n].kind ||
			    (key.kind == TOP_KEY_CHAR &&
			     key.c != cases[i].keys[n].c))
				fail_msg("%s, by %zu: key %zu is %d '%c'",
					 cases[i].name, piece, n, key.kind,
					 key.c);
			n++;
		}
	}
	if (cases[i].keys[n].kind != TOP_KEY_NONE || keys.n != 0)
		fail_msg("%s, by %zu: %zu keys, and %zu bytes are left",
			 cases[i].name, piece, n, keys.n);
}

static void bytes_are_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece < 8; piece++)
			check(i, piece);
}

static void what_means_nothing_is_passed_over(void **state)
{
	static const char *const bytes[] = { "\x1b[99~", "\x1b[200~",
					     "\x1b[<0;1;1M", "\xc3\xa4",
					     "\x01" };
	struct top_keys keys = { .n = 0 };
	struct top_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		top_keys_feed(&keys, bytes[i], strlen(bytes[i]));
		while (top_keys_next(&keys, false, &key))
			assert_int_equal(TOP_KEY_NONE, key.kind);
		assert_int_equal(0, keys.n);
	}
}

/* However long: it is no key, and it does not fill the room for ever. */
static void a_sequence_without_an_end_is_given_up(void **state)
{
	struct top_keys keys = { .n = 0 };
	struct top_key key;
	char bytes[256];

	(void)state;
	memset(bytes, '1', sizeof(bytes));
	bytes[0] = '\x1b';
	bytes[1] = '[';
	assert_int_equal(sizeof(keys.bytes),
			 top_keys_feed(&keys, bytes, sizeof(bytes)));
	assert_true(top_keys_next(&keys, false, &key));
	assert_int_equal(TOP_KEY_NONE, key.kind);
	assert_int_equal(0, keys.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_keys),
		cmocka_unit_test(what_means_nothing_is_passed_over),
		cmocka_unit_test(a_sequence_without_an_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
