/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "observe/web_token.h"

#define S INT64_C(1000000)

static char file[64];
static struct web_token *token;

static void say(const char *text)
{
	FILE *out = fopen(file, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(0, fclose(out));
}

static int enter(void **state)
{
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "/tmp/netpold-token-XXXXXX");
	fd = mkstemp(file);
	if (fd < 0)
		return -1;
	close(fd);
	say("secret\n");
	return web_token_open(file, 0, &token, NULL);
}

static int leave(void **state)
{
	(void)state;
	web_token_close(token);
	token = NULL;
	return remove(file);
}

static const struct {
	const char *name, *authorization;
	bool fits;
} rows[] = {
	{ "the token is taken", "Bearer secret", true },
	{ "the scheme's case does not count", "bEARER secret", true },
	{ "several blanks are one", "Bearer   secret", true },
	{ "without a header nobody is let in", NULL, false },
	{ "an empty header is none", "", false },
	{ "the scheme alone is no token", "Bearer", false },
	{ "nor is it with a blank", "Bearer ", false },
	{ "another scheme is none", "Basic secret", false },
	{ "the bare token is none", "secret", false },
	{ "the token's case counts", "Bearer SECRET", false },
	{ "its beginning is not enough", "Bearer secre", false },
	{ "nor is more than it", "Bearer secrets", false },
	{ "nor is it twice", "Bearer secretsecret", false },
	{ "what follows it counts", "Bearer secret ", false },
};

static void who_knows_it_is_let_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (web_token_fits(token, rows[i].authorization, 0) !=
		    rows[i].fits)
			fail_msg("%s", rows[i].name);
	}
}

static void a_new_one_is_known_as_soon_as_somebody_has_it(void **state)
{
	(void)state;
	say("another");
	assert_true(web_token_fits(token, "Bearer secret", 1 * S));
	assert_true(web_token_fits(token, "Bearer another", 2 * S));
	assert_false(web_token_fits(token, "Bearer secret", 2 * S));
}

/* Who guesses does not have the file read each time. */
static void a_wrong_one_has_the_file_read_once_a_second(void **state)
{
	(void)state;
	assert_false(web_token_fits(token, "Bearer guess", 1 * S));
	say("another");
	assert_false(web_token_fits(token, "Bearer another", 2 * S - 1));
	assert_true(web_token_fits(token, "Bearer another", 2 * S));
}

static void an_old_one_ends_with_its_minute(void **state)
{
	(void)state;
	say("another");
	assert_true(web_token_fits(token, "Bearer secret", 60 * S - 1));
	assert_false(web_token_fits(token, "Bearer secret", 60 * S));
}

/* Nobody is let in without one because the file is gone. */
static void without_its_file_it_stays(void **state)
{
	(void)state;
	say("");
	assert_false(web_token_fits(token, "Bearer ", 61 * S));
	assert_true(web_token_fits(token, "Bearer secret", 61 * S));
}

static void what_is_no_token_is_refused(void **state)
{
	char longest[WEB_TOKEN_MAX + 2] = "";
	struct web_token *none = NULL;
	struct err err;

	(void)state;
	say("two words\n");
	assert_int_equal(-EBADMSG, web_token_open(file, 0, &none, &err));
	assert_non_null(strstr(err.message, file));
	memset(longest, 'x', WEB_TOKEN_MAX + 1);
	say(longest);
	assert_int_equal(-E2BIG, web_token_open(file, 0, &none, &err));
	assert_non_null(strstr(err.message, "at most 4096 bytes"));
	assert_int_equal(-ENOENT,
			 web_token_open("/nowhere/token", 0, &none, &err));
	assert_non_null(strstr(err.message, "/nowhere/token"));
	assert_null(none);
	longest[WEB_TOKEN_MAX] = '\0';
	say(longest);
	assert_int_equal(0, web_token_open(file, 0, &none, &err));
	web_token_close(none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_knows_it_is_let_in),
		TEST(a_new_one_is_known_as_soon_as_somebody_has_it),
		TEST(a_wrong_one_has_the_file_read_once_a_second),
		TEST(an_old_one_ends_with_its_minute),
		TEST(without_its_file_it_stays),
		TEST(what_is_no_token_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
