/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/backoff.h"

#define MS INT64_C(1000)
#define S INT64_C(1000000)

/* One after another, by one backoff. */
static const struct {
	const char *name;
	int64_t after_us;  /* the one before */
	int retry_after_s; /* -1: not said */
	int64_t least_us;  /* what is waited, without the random part */
} failures[] = {
	{ "the first wait is 0.8 s", 0, -1, 800 * MS },
	{ "the second is twice as long", 1 * S, -1, 1600 * MS },
	{ "the third is twice as long again", 2 * S, -1, 3200 * MS },
	{ "a server that asks for longer gets it", 4 * S, 20, 20 * S },
	{ "one that asks for less does not", 40 * S, 1, 12800 * MS },
	{ "it goes on doubling", 20 * S, -1, 25600 * MS },
	{ "up to 30 s", 50 * S, -1, 30 * S },
	{ "and stays there", 60 * S, -1, 30 * S },
	{ "a day is too much to ask for", 60 * S, 86400, 600 * S },
	{ "two minutes of peace make it begin anew", 120 * S, -1, 800 * MS },
};

/* API-50, API-51, L33 */
static void waits_grow_and_are_forgotten(void **state)
{
	static const uint32_t randoms[] = { 0, 1u << 31, UINT32_MAX };

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct backoff backoff = { 0 };
		int64_t now_us = 1000 * S;

		for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]);
		     i++) {
			int64_t least_us = failures[i].least_us, wait_us;

			print_message("%s\n", failures[i].name);
			now_us += failures[i].after_us;
			wait_us = backoff_fail(&backoff, now_us, randoms[k],
					       failures[i].retry_after_s);
			assert_true(wait_us >= least_us);
			assert_true(wait_us <= 2 * least_us);
			assert_true(randoms[k] != 0 || wait_us == least_us);
			assert_true(randoms[k] != UINT32_MAX ||
				    wait_us > 2 * least_us - least_us / 1000);
		}
	}
}

static void what_somebody_has_to_mend_is_asked_for_slowly(void **state)
{
	struct backoff backoff = { 0 };

	(void)state;
	assert_int_equal(30 * S, backoff_fail_slowly(&backoff, 1, 0));
	assert_int_equal(1600 * MS, backoff_fail(&backoff, 2, 0, -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_and_are_forgotten),
		cmocka_unit_test(what_somebody_has_to_mend_is_asked_for_slowly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
