/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values are cut where a twin cuts them that goes from byte to byte, in
 * whatever pieces they come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/block_wide.h"
#include "api/cut.h"
#include "twin/random.h"

#define ROUNDS 20000
#define MAX_LEN 400

/* ---- the twin ------------------------------------------------------------ */

/* How long the value at the front is; 0: it does not end. */
static size_t naive_nested(const char *text, size_t len)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && strchr("{[", text[i]) && text[i])
			depth++;
		else if (!in_string && strchr("}]", text[i]) && text[i] &&
			 --depth == 0)
			return i + 1;
	}
	return 0;
}

static size_t naive_string(const char *text, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			return i + 1;
	}
	return 0;
}

/* ---- random text --------------------------------------------------------- */

/* Mostly structure, so that it ends now and then; the rest is anything. */
static size_t make_text(struct random *random, char *text)
{
	static const char often[] = "{}[]\"\\\"\\{}[],: aA|;\x5b\x7d\xfb\xdd";
	size_t len = random_between(random, 1, MAX_LEN);
	bool is_dense = random_percent(random, 50);

	for (size_t i = 0; i < len; i++)
		text[i] =
			random_percent(random, is_dense ? 90 : 10)
				? often[random_below(random, sizeof(often) - 1)]
				: (char)random_between(random, 0, 255);
	text[0] = random_pick(random, "{[\"");
	if (!text[0])
		text[0] = '{';
	return len;
}

/* In pieces of random size; 0: it does not end. */
static size_t cut_in_pieces(struct random *random, const char *text, size_t len)
{
	struct cut cut = cut_begin(text[0]);
	size_t most = random_between(random, 1, 200), at = 0;

	if (random_percent(random, 50))
		cut.is_wide = false; /* as on a CPU that cannot */
	while (at < len && !cut.is_done) {
		size_t n = 1 + random_below(random, most);
		size_t taken, room = len - at < n ? len - at : n;
		/* A copy, so that a sanitizer sees reading beyond it. */
		char *piece = malloc(room);

		assert_non_null(piece);
		memcpy(piece, text + at, room);
		taken = cut_feed(&cut, piece, room);
		free(piece);
		assert_true(cut.is_done ? taken <= room : taken == room);
		at += taken;
	}
	return cut.is_done ? at : 0;
}

static void values_are_cut_where_the_twin_cuts_them(void **state)
{
	struct random random = { .state = random_setting("SEED", 1) };
	size_t n_ended = 0, n_long = 0;
	char text[MAX_LEN];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = make_text(&random, text);
		size_t expected = text[0] == '"' ? naive_string(text, len)
						 : naive_nested(text, len);

		assert_int_equal(expected, cut_in_pieces(&random, text, len));
		n_ended += expected > 0;
		n_long += expected > BLOCK_SIZE;
	}
	/* Both outcomes, and across blocks. */
	assert_in_range(n_ended, ROUNDS / 10, ROUNDS - ROUNDS / 10);
	assert_true(n_long > 100);
}

/* ---- words --------------------------------------------------------------- */

static const struct {
	const char *name, *text;
	size_t len; /* 0: does not end */
} words[] = {
	{ "a number ends at a comma", "-1.5e+3,", 7 },
	{ "a name ends at a bracket", "true}", 4 },
	{ "a name ends at a blank", "null\n", 4 },
	{ "a word may go on in the next piece", "12", 0 },
	{ "there may be none", ",", 0 },
};

static void words_end_before_what_follows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *text = words[i].text;
		struct cut cut = cut_begin(text[0]);
		size_t n = cut_feed(&cut, text, strlen(text));

		if ((cut.is_done ? n : 0) != words[i].len)
			fail_msg("%s: got %zu", words[i].name, n);
	}
}

/* ---- blocks -------------------------------------------------------------- */

static void bits_are_counted(void **state)
{
	struct random random = { .state = 1 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t mask = random_next(&random) & random_next(&random);
		unsigned int n = 0;

		for (int bit = 0; bit < BLOCK_SIZE; bit++)
			n += (unsigned int)(mask >> bit & 1);
		assert_int_equal(n, block_count(mask));
	}
	assert_int_equal(0, block_count(0));
	assert_int_equal(64, block_count(UINT64_MAX));
}

static void check_block(const struct block *block, const char *bytes)
{
	for (int i = 0; i < BLOCK_SIZE; i++) {
		assert_int_equal(bytes[i] == '"', block->quotes >> i & 1);
		assert_int_equal(bytes[i] == '\\', block->backslashes >> i & 1);
		assert_int_equal(bytes[i] == '{' || bytes[i] == '[',
				 block->opening >> i & 1);
		assert_int_equal(bytes[i] == '}' || bytes[i] == ']',
				 block->closing >> i & 1);
	}
}

BLOCK_WIDE static void check_wide(const char *bytes, uint64_t mask)
{
	struct block block = block_read_wide(bytes);

	check_block(&block, bytes);
	assert_int_equal(block_between(mask), block_between_wide(mask));
}

static void every_byte_is_read_wherever_it_is(void **state)
{
	struct random random = { .state = 1 };
	char bytes[BLOCK_SIZE];

	(void)state;
	print_message("# blocks are read %s\n",
		      block_is_wide() ? "in both ways" : "in one way only");
	for (int i = 0; i < 256 * BLOCK_SIZE; i++) {
		struct block block;

		for (int k = 0; k < BLOCK_SIZE; k++)
			bytes[k] = (char)(i / BLOCK_SIZE + k * 101);
		bytes[i % BLOCK_SIZE] = (char)(i / BLOCK_SIZE);
		block = block_read(bytes);
		check_block(&block, bytes);
		if (block_is_wide())
			check_wide(bytes, random_next(&random));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_cut_where_the_twin_cuts_them),
		cmocka_unit_test(words_end_before_what_follows),
		cmocka_unit_test(bits_are_counted),
		cmocka_unit_test(every_byte_is_read_wherever_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
