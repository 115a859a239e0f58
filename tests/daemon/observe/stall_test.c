/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "observe/stall.h"

/* Looks are a second apart, the first is at one second. */
#define LOOK_US INT64_C(1000000)

struct look {
	uint32_t waiting;
	uint64_t received;
	enum stall_news expected;
};

#define MAX_LOOKS 8

static const struct {
	const char *name;
	struct look looks[MAX_LOOKS];
	size_t n;
	bool lasts;	  /* in the end */
	int64_t since_us; /* 0: not asked */
} cases[] = {
	{ "a worker that has nothing to do does not stand still",
	  { { 0, 7, 0 }, { 0, 7, 0 }, { 0, 7, 0 }, { 0, 7, 0 } },
	  4,
	  false,
	  0 },
	{ "a worker that is behind, and moves, does not",
	  { { 1000, 7, 0 }, { 1000, 8, 0 }, { 1000, 9, 0 }, { 1000, 10, 0 } },
	  4,
	  false,
	  0 },
	{ "two packets on their way, and silence in between, are no stall",
	  { { 1, 7, 0 }, { 1, 7, 0 }, { 0, 8, 0 }, { 0, 8, 0 } },
	  4,
	  false,
	  0 },
	{ "a queue that has run empty without news is no stall",
	  { { 1, 7, 0 }, { 1, 7, 0 }, { 0, 7, 0 }, { 1, 7, 0 }, { 1, 7, 0 } },
	  5,
	  false,
	  0 },
	{ "three looks without progress are one, since the first of them",
	  { { 0, 7, 0 }, { 1, 7, 0 }, { 2, 7, 0 }, { 3, 7, STALL_BEGAN } },
	  4,
	  true,
	  2 * LOOK_US },
	{ "so is a worker that never received anything",
	  { { 1, 0, 0 }, { 1, 0, 0 }, { 1, 0, STALL_BEGAN } },
	  3,
	  true,
	  LOOK_US },
	{ "a stall is told once",
	  { { 1, 7, 0 },
	    { 1, 7, 0 },
	    { 1, 7, STALL_BEGAN },
	    { 1, 7, 0 },
	    { 1, 7, 0 } },
	  5,
	  true,
	  LOOK_US },
	{ "it ends when something is received",
	  { { 1, 7, 0 },
	    { 1, 7, 0 },
	    { 1, 7, STALL_BEGAN },
	    { 5, 8, STALL_ENDED },
	    { 0, 13, 0 } },
	  5,
	  false,
	  0 },
	{ "it ends when nothing waits, as when the queue is bound anew",
	  { { 1, 7, 0 },
	    { 1, 7, 0 },
	    { 1, 7, STALL_BEGAN },
	    { 0, 7, STALL_ENDED } },
	  4,
	  false,
	  0 },
	{ "another one begins when the first has ended",
	  { { 1, 7, 0 },
	    { 1, 7, 0 },
	    { 1, 7, STALL_BEGAN },
	    { 1, 8, STALL_ENDED },
	    { 1, 8, 0 },
	    { 1, 8, STALL_BEGAN } },
	  6,
	  true,
	  4 * LOOK_US },
};

static void a_stall_is_told_when_it_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stall stall = { 0 };

		for (size_t k = 0; k < cases[i].n; k++) {
			const struct look *look = &cases[i].looks[k];
			enum stall_news news = stall_look(
				&stall, look->waiting, look->received,
				(int64_t)(k + 1) * LOOK_US);

			if (news != look->expected)
				fail_msg("%s: look %zu: expected %d, got %d",
					 cases[i].name, k + 1, look->expected,
					 news);
		}
		if (stall_lasts(&stall) != cases[i].lasts)
			fail_msg("%s: in the end it %s", cases[i].name,
				 cases[i].lasts ? "does not last" : "lasts");
		if (cases[i].since_us && stall.since_us != cases[i].since_us)
			fail_msg("%s: expected since %lld us, got %lld",
				 cases[i].name, (long long)cases[i].since_us,
				 (long long)stall.since_us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stall_is_told_when_it_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
