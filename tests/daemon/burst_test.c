/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "burst.h"

#define S INT64_C(1000000)

static const struct {
	const char *name;
	uint64_t count;
	int64_t now_us;
	bool begins;
} looks[] = {
	{ "where nothing has happened, none begins", 0, 1 * S, false },
	{ "the first one begins one", 1, 2 * S, true },
	{ "what does not go on begins none", 1, 3 * S, false },
	{ "more of it is the same one", 900, 4 * S, false },
	{ "so long as it is never quiet for long", 901, 13 * S, false },
	{ "a quiet time", 901, 23 * S, false },
	{ "after a quiet time it is another one", 902, 24 * S, true },
};

static void a_burst_is_told_when_it_begins(void **state)
{
	struct burst burst = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		print_message("%s\n", looks[i].name);
		assert_int_equal(
			looks[i].begins,
			burst_look(&burst, looks[i].count, looks[i].now_us));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_told_when_it_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
