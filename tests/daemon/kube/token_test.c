/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kube/token.h"

#define S INT64_C(1000000)

/* ---- a file -----------------------------------------------------------------
 */

static char folder[64], file[96];

static void write_file(const char *text, size_t len)
{
	FILE *out = fopen(file, "we");

	assert_non_null(out);
	assert_int_equal(len, fwrite(text, 1, len, out));
	assert_int_equal(0, fclose(out));
}

static void say(const char *text)
{
	write_file(text, strlen(text));
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/netpold-token-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/token", folder);
	say("one");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	remove(file);
	return rmdir(folder); /* nothing else is left in it */
}

static struct token *open_token(void)
{
	struct token *token;

	assert_int_equal(0, token_open(file, NULL, 0, &token, NULL));
	return token;
}

/* ---- tests ------------------------------------------------------------------
 */

static const struct {
	const char *name, *text, *expected; /* NULL: refused */
} cases[] = {
	{ "a word is a token", "abc.DEF-_~", "abc.DEF-_~" },
	{ "a line break at its end is none of it (API-61)", "abc\n", "abc" },
	{ "blanks around it are none of it", " \t\r\nabc \r\n\n", "abc" },
	{ "an empty file holds none", "", NULL },
	{ "nor do blanks", " \n", NULL },
	{ "two words are none", "abc def", NULL },
	{ "a header of one's own cannot be smuggled in",
	  "abc\r\nX-Remote-User: root", NULL },
	{ "bytes beyond ASCII are none", "abc\xc3\xa9", NULL },
	{ "nor are control bytes", "abc\x01", NULL },
};

static void a_token_is_one_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token *token = NULL, *fixed = NULL;
		struct err err = { 0 };
		int expected = cases[i].expected ? 0 : -EBADMSG, r;

		say(cases[i].text);
		r = token_open(file, NULL, 0, &token, &err);
		if (r != expected ||
		    r != token_open(NULL, cases[i].text, 0, &fixed, NULL))
			fail_msg("%s: got %d", cases[i].name, r);
		if (r == 0) {
			assert_string_equal(cases[i].expected,
					    token_get(token, 0));
			assert_string_equal(cases[i].expected,
					    token_get(fixed, 0));
		} else if (strstr(err.message, "abc") ||
			   !strstr(err.message, file)) {
			fail_msg("%s: %s", cases[i].name, err.message);
		}
		token_close(token);
		token_close(fixed);
	}
}

static void a_token_with_a_zero_byte_in_it_is_none(void **state)
{
	struct token *token;

	(void)state;
	write_file("ab\0c", 4);
	assert_int_equal(-EBADMSG, token_open(file, NULL, 0, &token, NULL));
}

static void a_token_has_an_end(void **state)
{
	static char text[TOKEN_MAX_LEN + 1];
	struct token *token;

	(void)state;
	memset(text, 'a', sizeof(text));
	write_file(text, TOKEN_MAX_LEN);
	token = open_token();
	assert_int_equal(TOKEN_MAX_LEN, strlen(token_get(token, 0)));
	token_close(token);
	write_file(text, TOKEN_MAX_LEN + 1);
	assert_int_equal(-EBADMSG, token_open(file, NULL, 0, &token, NULL));
}

static void where_there_is_no_token_there_is_none(void **state)
{
	struct token *token;

	(void)state;
	assert_int_equal(0, token_open(NULL, NULL, 0, &token, NULL));
	assert_null(token_get(token, 100 * S));
	assert_false(token_renew(token, 100 * S));
	token_close(token);
}

static void a_file_that_is_missing_is_named(void **state)
{
	struct err err = { 0 };
	struct token *token;

	(void)state;
	assert_int_equal(0, remove(file));
	assert_int_equal(-ENOENT, token_open(file, "x", 0, &token, &err));
	assert_non_null(strstr(err.message, file));
	/* Nobody is waited for who may write into it. */
	assert_int_equal(0, mkfifo(file, 0600));
	assert_int_equal(-EBADMSG, token_open(file, NULL, 0, &token, &err));
}

static void it_is_read_again_after_a_minute(void **state)
{
	struct token *token = open_token();

	(void)state;
	say("two");
	assert_string_equal("one", token_get(token, 60 * S - 1));
	assert_string_equal("two", token_get(token, 60 * S));
	say("three");
	assert_string_equal("two", token_get(token, 120 * S - 1));
	assert_string_equal("three", token_get(token, 120 * S));
	token_close(token);
}

static void the_old_one_stays_where_there_is_no_new_one(void **state)
{
	struct token *token = open_token();

	(void)state;
	say("");
	assert_string_equal("one", token_get(token, 60 * S));
	say("not one word");
	assert_string_equal("one", token_get(token, 120 * S));
	assert_int_equal(0, remove(file));
	assert_string_equal("one", token_get(token, 180 * S));
	say("two\n");
	assert_string_equal("two", token_get(token, 240 * S));
	token_close(token);
}

static void it_is_renewed_at_once_when_it_was_refused(void **state)
{
	struct token *token = open_token();

	(void)state;
	assert_false(token_renew(token, 1 * S));
	say("two");
	assert_true(token_renew(token, 2 * S));
	assert_string_equal("two", token_get(token, 2 * S));
	assert_false(token_renew(token, 3 * S));
	token_close(token);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_one_word),
		TEST(a_token_with_a_zero_byte_in_it_is_none),
		TEST(a_token_has_an_end),
		TEST(where_there_is_no_token_there_is_none),
		TEST(a_file_that_is_missing_is_named),
		TEST(it_is_read_again_after_a_minute),
		TEST(the_old_one_stays_where_there_is_no_new_one),
		TEST(it_is_renewed_at_once_when_it_was_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
