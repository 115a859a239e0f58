/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "progress.h"

#define WIPE "\r\033[K"

static const struct {
	const char *name;
	size_t n;
	double part;
	const char *line;
} cases[] = {
	{ "nothing is done at first", 0, 0,
	  "[                              ]   0%  0 packets" },
	{ "half of it is half a bar", 4096, 0.5,
	  "[###############               ]  50%  4096 packets" },
	{ "what is not quite done is not told as done", 9, 0.999,
	  "[############################# ]  99%  9 packets" },
	{ "all of it is the whole bar", 10, 1,
	  "[##############################] 100%  10 packets" },
	{ "without an end there is no bar", 7, -1, "7 packets" },
};

static int64_t now_ms = 1000;

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	(void)clock;
	out->tv_sec = now_ms / 1000;
	out->tv_nsec = now_ms % 1000 * 1000000;
	return 0;
}

/* What is written to standard error by one telling. */
static void tell(struct progress *progress, size_t n, double part, char *text,
		 size_t size)
{
	FILE *file = tmpfile();
	int was = dup(STDERR_FILENO);
	size_t len;

	assert_non_null(file);
	assert_true(was >= 0);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	progress_tell_part(progress, n, "packets", part);
	dup2(was, STDERR_FILENO);
	close(was);
	rewind(file);
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
}

static void test_lines(void **state)
{
	int n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct progress progress = { .is_on = true };
		char expected[128], got[128];

		snprintf(expected, sizeof(expected), WIPE "netpold: %s",
			 cases[i].line);
		tell(&progress, cases[i].n, cases[i].part, got, sizeof(got));
		if (strcmp(expected, got) == 0)
			continue;
		print_error("%s: expected '%s', got '%s'\n", cases[i].name,
			    expected, got);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

static void test_seldom(void **state)
{
	struct progress progress = { .is_on = true }, silent = { 0 };
	char text[128];

	(void)state;
	tell(&progress, 1, 0.1, text, sizeof(text));
	assert_true(*text);
	tell(&progress, 2, 0.2, text, sizeof(text));
	assert_string_equal(text, ""); /* so soon after */
	now_ms += 99;
	tell(&progress, 3, 0.3, text, sizeof(text));
	assert_string_equal(text, ""); /* a tenth of a second is not over */
	now_ms += 1;
	tell(&progress, 4, 0.4, text, sizeof(text));
	assert_true(*text);
	tell(&silent, 1, 0.1, text, sizeof(text));
	assert_string_equal(text, ""); /* no terminal */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
