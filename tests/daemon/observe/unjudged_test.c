/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "observe/unjudged.h"

struct step {
	uint64_t received_first, hits, waiting, received;
	uint64_t expected;
};

#define MAX_STEPS 4

static const struct {
	const char *name;
	struct step steps[MAX_STEPS];
	size_t n;
} cases[] = {
	{ "what was before does not count", { { 10, 5000, 0, 10, 0 } }, 1 },
	{ "what is judged does not count",
	  { { 0, 0, 0, 0, 0 }, { 100, 100, 0, 100, 0 } },
	  2 },
	{ "what nobody receives counts",
	  { { 10, 5000, 0, 10, 0 }, { 20, 5017, 0, 20, 7 } },
	  2 },
	{ "what waits does not count",
	  { { 0, 0, 0, 0, 0 }, { 10, 17, 7, 10, 0 } },
	  2 },
	{ "what is received while it waits is not counted twice over",
	  { { 0, 0, 0, 0, 0 }, { 10, 10, 7, 10, 0 }, { 10, 11, 0, 10, 1 } },
	  3 },
	{ "what comes while counters are read does not count",
	  { { 0, 0, 0, 0, 0 }, { 10, 10, 3, 50, 0 }, { 60, 60, 0, 60, 0 } },
	  3 },
	{ "what waits at the base line is forgiven, not charged",
	  { { 990, 1000, 10, 990, 0 }, { 1400, 1600, 0, 1400, 190 } },
	  2 },
	{ "what comes in between at the base line is not charged either",
	  { { 0, 50, 0, 50, 0 }, { 100, 100, 0, 100, 0 } },
	  2 },
	{ "a count never shrinks",
	  { { 0, 0, 0, 0, 0 }, { 0, 9, 0, 0, 9 }, { 0, 9, 5, 0, 9 } },
	  3 },
	{ "rules that are made anew begin anew, and keep the count",
	  { { 0, 0, 0, 0, 0 },
	    { 5, 9, 0, 5, 4 },
	    { 8, 3, 0, 8, 4 },
	    { 10, 11, 0, 10, 10 } },
	  4 },
};

static void readings_are_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct unjudged unjudged = { 0 };

		for (size_t k = 0; k < cases[i].n; k++) {
			const struct step *step = &cases[i].steps[k];
			const struct unjudged_reading reading = {
				.received_first = step->received_first,
				.hits = step->hits,
				.waiting = step->waiting,
				.received = step->received,
			};
			uint64_t got = unjudged_take(&unjudged, &reading);

			if (got != step->expected)
				fail_msg("%s: step %zu: expected %llu, got "
					 "%llu",
					 cases[i].name, k,
					 (unsigned long long)step->expected,
					 (unsigned long long)got);
		}
	}
}

/* Copies that wait are told by this, since no list has them. */
static void what_is_missing_now_may_come_later(void **state)
{
	static const struct {
		struct unjudged_reading reading;
		uint64_t missing;
	} steps[] = {
		{ { 10, 5000, 0, 10 }, 0 }, { { 20, 5017, 0, 20 }, 7 },
		{ { 27, 5017, 0, 27 }, 0 }, { { 27, 5018, 0, 28 }, 0 },
		{ { 28, 3, 0, 28 }, 0 },    { { 30, 8, 0, 30 }, 3 },
	};
	struct unjudged unjudged = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unjudged_take(&unjudged, &steps[i].reading);
		assert_int_equal(steps[i].missing, unjudged.missing);
	}
}

/* Packets go through their stations in any order while counters are read, each
   at a moment of its own. */
struct node {
	uint64_t hits, queued, received, unanswered, unjudged;
};

static void run(struct node *node)
{
	for (int n = rand() % 20; n > 0; n--) {
		switch (rand() % 4) {
		case 0:
			node->hits++;
			node->queued++;
			break;
		case 1:
			if (node->queued > node->unanswered) {
				node->received++;
				node->unanswered++;
			}
			break;
		case 2:
			if (node->unanswered > 0) {
				node->unanswered--;
				node->queued--;
			}
			break;
		default:
			if (rand() % 4 == 0) {
				node->hits++;
				node->unjudged++;
			}
		}
	}
}

static void the_count_is_never_too_high(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 200; seed++) {
		struct node node = { 0 };
		struct unjudged unjudged = { 0 };
		uint64_t got = 0, before = 0;

		srand(seed);
		run(&node);
		for (int k = 0; k < 50; k++) {
			struct unjudged_reading reading;

			reading.received_first = node.received;
			run(&node);
			reading.hits = node.hits;
			if (k == 0)
				before = node.unjudged;
			run(&node);
			reading.waiting = node.queued;
			run(&node);
			reading.received = node.received;
			got = unjudged_take(&unjudged, &reading);
			if (got > node.unjudged - before)
				fail_msg("seed %u, reading %d: %llu, of %llu "
					 "less %llu",
					 seed, k, (unsigned long long)got,
					 (unsigned long long)node.unjudged,
					 (unsigned long long)before);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readings_are_counted),
		cmocka_unit_test(what_is_missing_now_may_come_later),
		cmocka_unit_test(the_count_is_never_too_high),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
