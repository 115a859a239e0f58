/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flowlog/flow_rate.h"

#define S INT64_C(1000000)

/* What happens, how often each, and what is said at a moment, of a clock that
   has run for a while. */
static const struct {
	const char *name;
	struct {
		int64_t at_us;
		uint64_t n;
	} adds[6];
	int64_t began_us, now_us;
	double expected;
} cases[] = {
	{ "nothing is no rate", { { 0 } }, 100 * S, 110 * S, 0 },
	{ "of a moment the rate is what there was",
	  { { 100 * S, 7 } },
	  100 * S,
	  100 * S + 1,
	  7 },
	{ "since the beginning, where that is not long ago",
	  { { 100 * S, 6 }, { 101 * S, 6 } },
	  100 * S,
	  102 * S,
	  6 },
	{ "later, of five seconds, of which the last is not over",
	  { { 100 * S, 1000 }, { 106 * S, 9 }, { 110 * S, 9 } },
	  100 * S,
	  110 * S + S / 2,
	  4 },
	{ "a second that has gone is not counted again",
	  { { 100 * S, 1000 }, { 105 * S, 45 } },
	  90 * S,
	  105 * S + S / 2,
	  10 },
	{ "what was long ago is gone, although nothing came since",
	  { { 100 * S, 1000 } },
	  90 * S,
	  200 * S,
	  0 },
	{ "what comes after a long while finds nothing old",
	  { { 100 * S, 1000 }, { 200 * S, 8 } },
	  90 * S,
	  200 * S,
	  2 },
};

static void the_rate_is_of_the_last_seconds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_rate rate = { .second = 0 };
		double got;

		for (size_t k = 0; k < 6; k++)
			flow_rate_add(&rate, cases[i].adds[k].n,
				      cases[i].adds[k].at_us);
		got = flow_rate_per_second(&rate, cases[i].began_us,
					   cases[i].now_us);
		if (fabs(got - cases[i].expected) > 1e-9)
			fail_msg("%s: %g, not %g", cases[i].name, got,
				 cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_is_of_the_last_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
