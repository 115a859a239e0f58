/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who looks, as long as somebody does: on a clock of the test's, and without a
 * snapshot but where one is said, so that everybody is an address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "denied_world.h"
#include "flow_events.h"
#include "flowlog/flow_hit.h"
#include "flowlog/flow_watch.h"

#define S INT64_C(1000000)
#define BEGAN (1000 * S)

static struct flow_watch *watch;
static int wake_fd;

struct turns {
	int n;
	bool is_on;
};

static struct turns turns;

static void note_turn(void *ctx, bool is_on)
{
	struct turns *noted = ctx;

	noted->n++;
	noted->is_on = is_on;
}

static int make_watch(void **state)
{
	(void)state;
	wake_fd = eventfd(0, EFD_NONBLOCK);
	turns = (struct turns){ .n = 0 };
	watch = flow_watch_new(wake_fd, note_turn, &turns);
	return watch && wake_fd >= 0 ? 0 : -1;
}

static int free_watch(void **state)
{
	(void)state;
	flow_watch_free(watch);
	return close(wake_fd);
}

static void take(const struct snapshot *snapshot,
		 const struct flow_event *event, int64_t now_us)
{
	flow_watch_lock(watch);
	flow_watch_take(watch, snapshot, event, now_us);
	flow_watch_unlock(watch);
}

static void take_number(uint32_t number, int64_t now_us)
{
	const struct flow_event event = event_of(number);

	take(NULL, &event, now_us);
}

struct seen {
	size_t n_rows;
	uint64_t count, bytes; /* of all rows */
	double per_second;
	const char *last_to;
};

static int note(void *ctx, const struct flow_row *row, double per_second)
{
	struct seen *seen = ctx;

	seen->n_rows++;
	seen->count += row->count;
	seen->bytes += row->bytes;
	seen->per_second += per_second;
	seen->last_to = row->about.to;
	return 0;
}

static struct seen look(int64_t now_us, struct flow_watch_sum *sum)
{
	struct flow_watch_sum ignored;
	struct seen seen = { .n_rows = 0 };

	assert_int_equal(0, flow_watch_look(watch, now_us, note, &seen,
					    sum ? sum : &ignored));
	return seen;
}

static void nothing_is_kept_while_nobody_looks(void **state)
{
	(void)state;
	assert_false(flow_watch_is_on(watch, 0, BEGAN));
	take_number(1, BEGAN);
	assert_int_equal(0, look(BEGAN, NULL).n_rows);
	assert_true(flow_watch_is_on(watch, 0, BEGAN));
}

static void who_looks_wakes_the_logger(void **state)
{
	uint64_t times;

	(void)state;
	look(BEGAN, NULL);
	assert_int_equal(sizeof(times), read(wake_fd, &times, sizeof(times)));
}

static void assert_turns(int n, bool is_on)
{
	assert_int_equal(n, turns.n);
	assert_int_equal(is_on, turns.is_on);
}

static void who_writes_is_told_before_the_looker_is_answered(void **state)
{
	(void)state;
	look(BEGAN, NULL);
	assert_turns(1, true);
	look(BEGAN + S, NULL);
	assert_turns(1, true);
	assert_true(flow_watch_is_on(watch, 0, BEGAN + (1 + FLOW_WATCH_S) * S));
	assert_turns(1, true);
	assert_false(
		flow_watch_is_on(watch, 0, BEGAN + (1 + FLOW_WATCH_S) * S + 1));
	assert_turns(2, false);
	assert_false(flow_watch_is_on(watch, 0, BEGAN + INT64_C(99) * S));
	assert_turns(2, false);
	look(BEGAN + INT64_C(100) * S, NULL);
	assert_turns(3, true);
}

static void what_is_alike_is_one_row(void **state)
{
	struct flow_watch_sum sum;
	struct seen seen;

	(void)state;
	look(BEGAN, NULL);
	for (int i = 0; i < 6; i++)
		take_number(i % 2 ? 1 : 2, BEGAN + i);
	seen = look(BEGAN + 2 * S, &sum);
	assert_int_equal(2, seen.n_rows);
	assert_int_equal(6, seen.count);
	assert_string_equal("10.0.0.1", seen.last_to);
	assert_true(seen.per_second > 2.9 && seen.per_second < 3.1);
	assert_int_equal(6, sum.n_seen);
	assert_int_equal(0, sum.n_unnamed);
	assert_int_equal(BEGAN, sum.began_us);
}

#define G "10.1.0.1"
#define WEB "10.0.0.1"

static void names_are_those_of_what_is_in_force(void **state)
{
	const struct flow_event event = event_of(1);
	struct denied_world first, second;
	struct seen seen;

	(void)state;
	denied_world_init(&first, "ingress: []", G, WEB, "80/TCP");
	denied_world_init(&second, "ingress: []", G, WEB, "80/TCP");
	look(BEGAN, NULL);
	take(NULL, &event, BEGAN);
	assert_string_equal("10.0.0.1", look(BEGAN, NULL).last_to);
	take(first.snapshot, &event, BEGAN);
	assert_string_equal("shop/web", look(BEGAN, NULL).last_to);
	/* It has the same name there. */
	take(second.snapshot, &event, BEGAN);
	take(NULL, &event, BEGAN);
	seen = look(BEGAN, NULL);
	assert_int_equal(2, seen.n_rows);
	assert_int_equal(4, seen.count);
	denied_world_release(&first);
	denied_world_release(&second);
}

static void take_hit(const struct denied_world *world, int64_t now_us)
{
	const struct flow_hit hit = {
		.memo = memo_of(&world->key),
		.verdict = VERDICT_DENY,
		.at_us = EVENT_TIME_US,
		.packets = 40,
		.bytes = 2400,
	};

	flow_watch_lock(watch);
	flow_watch_take_hit(watch, world->snapshot, &hit, now_us);
	flow_watch_unlock(watch);
}

/* Most of a flood is. */
static void
what_the_kernel_answers_is_in_the_row_of_what_was_judged(void **state)
{
	struct flow_event event = { .len = 60 };
	struct flow_watch_sum sum;
	struct denied_world world;
	struct seen seen;

	(void)state;
	denied_world_init(&world, "ingress: []", G, WEB, "80/TCP");
	event.key = world.key;
	event.decision = event.planned = world.explanation.decision;
	take_hit(&world, BEGAN); /* nobody looks */
	look(BEGAN, NULL);
	take(world.snapshot, &event, BEGAN);
	take_hit(&world, BEGAN);
	seen = look(BEGAN + S, &sum);
	assert_int_equal(1, seen.n_rows);
	assert_int_equal(41, seen.count);
	assert_int_equal(2460, seen.bytes);
	assert_true(seen.per_second > 40.9 && seen.per_second < 41.1);
	assert_int_equal(41, sum.n_seen);
	denied_world_release(&world);
}

static void it_goes_on_as_long_as_somebody_looks(void **state)
{
	int64_t now_us = BEGAN;

	(void)state;
	look(now_us, NULL);
	take_number(1, now_us);
	for (int i = 0; i < 5; i++) {
		now_us += FLOW_WATCH_S * S;
		assert_true(flow_watch_is_on(watch, 0, now_us));
		assert_int_equal(1, look(now_us, NULL).n_rows);
	}
	now_us += FLOW_WATCH_S * S + 1;
	assert_false(flow_watch_is_on(watch, 0, now_us));
	/* It begins anew. */
	assert_int_equal(0, look(now_us, NULL).n_rows);
	assert_true(flow_watch_is_on(watch, 0, now_us));
}

static void lost_is_what_was_lost_since_it_began(void **state)
{
	struct flow_watch_sum sum;

	(void)state;
	look(BEGAN, NULL);
	flow_watch_is_on(watch, 700, BEGAN);
	look(BEGAN, &sum);
	assert_int_equal(0, sum.n_lost);
	flow_watch_is_on(watch, 712, BEGAN);
	look(BEGAN, &sum);
	assert_int_equal(12, sum.n_lost);
}

/* All new, and more of them than are named, and than there are rows. */
static void a_flood_is_bounded_and_counted(void **state)
{
	const uint32_t n = 2 * FLOW_WATCH_NAMES;
	struct flow_watch_sum sum;
	struct seen seen;

	(void)state;
	look(BEGAN, NULL);
	for (uint32_t i = 0; i < n; i++)
		take_number(i, BEGAN + i);
	seen = look(BEGAN + S / 2, &sum);
	assert_int_equal(FLOW_WATCH_ROWS, seen.n_rows);
	assert_int_equal(n, sum.n_seen);
	assert_int_equal(n - FLOW_WATCH_NAMES, sum.n_unnamed);
	assert_int_equal(FLOW_WATCH_NAMES - FLOW_WATCH_ROWS, sum.n_gone);
	/* In the next second, there is room for new ones. */
	take_number(n, BEGAN + S);
	look(BEGAN + S, &sum);
	assert_int_equal(n - FLOW_WATCH_NAMES, sum.n_unnamed);
}

/* As many as empty each place of the cache, were they to. */
#define FLOOD 100000

static void what_is_known_goes_on_counting_in_a_flood(void **state)
{
	const uint32_t last = FLOW_WATCH_NAMES - 1; /* that is named */
	struct flow_watch_sum sum;

	(void)state;
	look(BEGAN, NULL);
	for (uint32_t i = 0; i <= last; i++)
		take_number(i, BEGAN + i);
	for (uint32_t i = 1; i <= FLOOD; i++) {
		take_number(last + i, BEGAN + S / 2);
		take_number(last, BEGAN + S / 2);
	}
	look(BEGAN + S / 2, &sum);
	assert_int_equal(FLOW_WATCH_NAMES + 2 * FLOOD, sum.n_seen);
	/* What is new, and nothing else. */
	assert_int_equal(FLOOD, sum.n_unnamed);
}

static int refuse(void *ctx, const struct flow_row *row, double per_second)
{
	(void)ctx;
	(void)row;
	(void)per_second;
	return -7;
}

static void who_looks_may_end_it(void **state)
{
	struct flow_watch_sum sum;

	(void)state;
	look(BEGAN, NULL);
	take_number(1, BEGAN);
	assert_int_equal(-7, flow_watch_look(watch, BEGAN, refuse, NULL, &sum));
	/* The lock is free. */
	assert_int_equal(1, look(BEGAN, NULL).n_rows);
}

#define WATCH_TEST(test)                                                       \
	cmocka_unit_test_setup_teardown(test, make_watch, free_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(nothing_is_kept_while_nobody_looks),
		WATCH_TEST(who_looks_wakes_the_logger),
		WATCH_TEST(who_writes_is_told_before_the_looker_is_answered),
		WATCH_TEST(what_is_alike_is_one_row),
		WATCH_TEST(names_are_those_of_what_is_in_force),
		WATCH_TEST(
			what_the_kernel_answers_is_in_the_row_of_what_was_judged),
		WATCH_TEST(it_goes_on_as_long_as_somebody_looks),
		WATCH_TEST(lost_is_what_was_lost_since_it_began),
		WATCH_TEST(a_flood_is_bounded_and_counted),
		WATCH_TEST(what_is_known_goes_on_counting_in_a_flood),
		WATCH_TEST(who_looks_may_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
