/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/retry_after.h"

#define S INT64_C(1000000)
/* Thu, 26 Nov 2026 12:00:00 GMT */
#define NOON (INT64_C(1795694400) * S)

static const struct {
	const char *name, *text;
	int expected;
} cases[] = {
	{ "seconds", "7", 7 },
	{ "none of them is a time, too", "0", 0 },
	{ "nobody waits longer than a day", "86401", RETRY_AFTER_MAX_S },
	{ "however long the number is", "99999999999999999999999",
	  RETRY_AFTER_MAX_S },
	{ "a date", "Thu, 26 Nov 2026 12:01:30 GMT", 90 },
	{ "in the old form", "Thursday, 26-Nov-26 12:01:30 GMT", 90 },
	{ "a date that is over", "Thu, 26 Nov 2026 11:59:59 GMT", 0 },
	{ "a date in a year", "Fri, 26 Nov 2027 12:00:00 GMT",
	  RETRY_AFTER_MAX_S },
	{ "nothing says nothing", "", -1 },
	{ "nor does a word", "soon", -1 },
	{ "nor what is left of nothing", "-5", -1 },
	{ "nor a number with a word", "5 minutes", -1 },
};

static void it_says_seconds_or_a_date(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int found = retry_after_read(cases[i].text, NOON);

		if (found != cases[i].expected)
			fail_msg("%s: expected %d, got %d", cases[i].name,
				 cases[i].expected, found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_seconds_or_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
