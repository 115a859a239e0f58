/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow_events.h"
#include "flowlog/flow_fold.h"

#define MAX 4
#define INTERVAL_US 1000

static struct flow_fold *fold;

static int make_fold(void **state)
{
	static const uint64_t hash_key[2] = { 1, 2 };

	(void)state;
	fold = flow_fold_new(MAX, INTERVAL_US, hash_key);
	return fold ? 0 : -1;
}

static int free_fold(void **state)
{
	(void)state;
	flow_fold_free(fold);
	return 0;
}

/* Nobody makes room. */
static void add(uint32_t number, int64_t now_us)
{
	const struct flow_event event = event_of(number);
	struct flow_told evicted;

	assert_false(flow_fold_add(fold, &event, now_us, &evicted));
}

static bool repeat(uint32_t number)
{
	const struct flow_event event = event_of(number);

	return flow_fold_repeat(fold, &event);
}

static void other_verdict(struct flow_event *event)
{
	event->decision.verdict = VERDICT_ALLOW;
}

static void other_plan(struct flow_event *event)
{
	event->planned.verdict = VERDICT_ALLOW;
}

static void other_reason(struct flow_event *event)
{
	event->decision.sides[DIRECTION_EGRESS].reason = REASON_RULE;
}

static void other_mode(struct flow_event *event)
{
	event->is_audit = true;
}

static void other_note(struct flow_event *event)
{
	event->note = NOTE_UNPARSABLE;
}

static void other_port(struct flow_event *event)
{
	event->key.dst_port++;
}

static void other_protocol(struct flow_event *event)
{
	event->key.protocol = PROTOCOL_UDP;
}

static void other_birth(struct flow_event *event)
{
	event->key.from_own_node = true;
}

static void other_receiver(struct flow_event *event)
{
	event->key.dst = addr_of("10.0.0.2");
}

static void other_source_port(struct flow_event *event)
{
	event->src_port++;
}

static void other_packet(struct flow_event *event)
{
	event->len = 1500;
	event->tcp_flags = 0x10;
	event->at_us++;
	event->reversed = true;
}

static const struct {
	const char *name;
	void (*change)(struct flow_event *event);
	bool alike;
} cases[] = {
	{ "another verdict is another flow", other_verdict, false },
	{ "another verdict of what is planned, too", other_plan, false },
	{ "another reason, too", other_reason, false },
	{ "another mode, too", other_mode, false },
	{ "another note, too", other_note, false },
	{ "another port, too", other_port, false },
	{ "another protocol, too", other_protocol, false },
	{ "another birth, too", other_birth, false },
	{ "another receiver, too", other_receiver, false },
	{ "another source port is the same flow", other_source_port, true },
	{ "another packet is the same flow", other_packet, true },
};

static void what_is_alike_is_folded(void **state)
{
	(void)state;
	add(1, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_event event = event_of(1);

		cases[i].change(&event);
		if (flow_fold_repeat(fold, &event) != cases[i].alike)
			fail_msg("%s", cases[i].name);
	}
}

static void repeats_are_told_of_once_for_each_interval(void **state)
{
	struct flow_event event = event_of(1);
	struct flow_told told;

	(void)state;
	assert_false(repeat(1));
	add(1, 0);
	for (int i = 1; i <= 3; i++) {
		event.at_us = EVENT_TIME_US + i;
		event.reversed = i == 2;
		event.class = i == 3 ? CLASS_RELATED : CLASS_ORIGINAL;
		event.icmp_type = i == 3 ? 3 : 0;
		assert_true(flow_fold_repeat(fold, &event));
	}
	assert_false(flow_fold_due(fold, INTERVAL_US - 1, &told));
	assert_true(flow_fold_due(fold, INTERVAL_US, &told));
	assert_int_equal(3, told.count);
	assert_int_equal(1, told.there);
	assert_int_equal(1, told.back);
	assert_int_equal(1, told.icmp_errors);
	assert_int_equal(180, told.bytes);
	assert_int_equal(EVENT_TIME_US + 1, told.first_us);
	assert_int_equal(EVENT_TIME_US + 3, told.last_us);
	assert_false(flow_fold_due(fold, INTERVAL_US, &told));
	/* It goes on. */
	assert_true(repeat(1));
	assert_false(flow_fold_due(fold, 2 * INTERVAL_US - 1, &told));
	assert_true(flow_fold_due(fold, 2 * INTERVAL_US, &told));
	assert_int_equal(1, told.count);
}

static void many_are_counted_at_once(void **state)
{
	struct flow_told told = {
		.event = event_of(1),
		.count = 1000,
		.there = 1000,
		.by_kernel = 1000,
		.bytes = 60000,
		.first_us = EVENT_TIME_US + 5,
		.last_us = EVENT_TIME_US + 5,
	};

	(void)state;
	assert_false(flow_fold_repeat_all(fold, &told));
	add(1, 0);
	assert_true(flow_fold_repeat_all(fold, &told));
	assert_true(repeat(1));
	assert_true(flow_fold_repeat_all(fold, &told));
	assert_true(flow_fold_due(fold, INTERVAL_US, &told));
	assert_int_equal(2001, told.count);
	assert_int_equal(2001, told.there);
	assert_int_equal(2000, told.by_kernel);
	assert_int_equal(120060, told.bytes);
	assert_int_equal(EVENT_TIME_US, told.first_us);
	assert_int_equal(EVENT_TIME_US + 5, told.last_us);
	/* It is known as long as they come. */
	assert_true(flow_fold_repeat_all(fold, &told));
}

static void who_was_not_seen_in_his_interval_is_forgotten(void **state)
{
	struct flow_told told;

	(void)state;
	add(1, 0);
	assert_false(flow_fold_due(fold, INTERVAL_US, &told));
	assert_false(repeat(1));
}

static void who_was_told_of_the_longest_ago_makes_room(void **state)
{
	struct flow_event event = event_of(MAX + 1);
	struct flow_told told;

	(void)state;
	for (uint32_t i = 1; i <= MAX; i++)
		add(i, i);
	assert_true(repeat(1));
	assert_true(repeat(2));
	/* Told of just now, 1 is the last to go. */
	assert_true(flow_fold_due(fold, INTERVAL_US + 1, &told));
	assert_true(flow_fold_add(fold, &event, INTERVAL_US + 1, &told));
	assert_int_equal(event_of(2).key.dst_port, told.event.key.dst_port);
	assert_int_equal(1, told.count);
	assert_false(repeat(2));
	assert_true(repeat(1));
	assert_true(repeat(MAX + 1));
}

/* For as long as it is known. */
static void whom_a_record_has_named_is_kept_for_the_next(void **state)
{
	const struct flow_credit named = { .pods = { 1, 2 }, .policies = 3 };
	struct flow_event event = event_of(1);
	struct flow_told told;

	(void)state;
	add(1, 0);
	flow_fold_credit(fold, &event, &named);
	for (int64_t now_us = INTERVAL_US; now_us < 4 * INTERVAL_US;
	     now_us += INTERVAL_US) {
		assert_true(repeat(1));
		assert_true(flow_fold_due(fold, now_us, &told));
		assert_memory_equal(&named, &told.before, sizeof(named));
	}
	assert_false(flow_fold_due(fold, 4 * INTERVAL_US, &told));
	flow_fold_credit(fold, &event, &named);
	add(1, 4 * INTERVAL_US);
	assert_true(repeat(1));
	assert_true(flow_fold_due(fold, FLOW_FOLD_END, &told));
	assert_int_equal(0, told.before.policies);
}

static void at_the_end_all_is_told_of_once(void **state)
{
	uint64_t n = 0, packets = 0;
	struct flow_told told;

	(void)state;
	for (uint32_t i = 0; i < MAX; i++) {
		add(i, i);
		for (uint32_t times = 0; times < i; times++)
			assert_true(repeat(i));
	}
	for (; flow_fold_due(fold, FLOW_FOLD_END, &told); n++)
		packets += told.count;
	assert_int_equal(MAX - 1, n);
	assert_int_equal(1 + 2 + 3, packets);
}

/* Against counting them one by one. */
static void every_event_is_told_of_exactly_once(void **state)
{
	uint64_t n_new = 0, n_told = 0, random = 1;
	struct flow_told told;

	(void)state;
	for (int64_t now_us = 0; now_us < 100000; now_us++) {
		struct flow_event event;

		random = random * 6364136223846793005u + 1442695040888963407u;
		event = event_of((uint32_t)(random >> 33) % (3 * MAX));
		if (!flow_fold_repeat(fold, &event)) {
			n_new++;
			if (flow_fold_add(fold, &event, now_us, &told))
				n_told += told.count;
		}
		while (flow_fold_due(fold, now_us, &told))
			n_told += told.count;
	}
	while (flow_fold_due(fold, FLOW_FOLD_END, &told))
		n_told += told.count;
	assert_int_equal(100000, n_new + n_told);
	assert_true(n_told > 0);
}

#define FOLD_TEST(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_fold, free_fold)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLD_TEST(what_is_alike_is_folded),
		FOLD_TEST(repeats_are_told_of_once_for_each_interval),
		FOLD_TEST(many_are_counted_at_once),
		FOLD_TEST(who_was_not_seen_in_his_interval_is_forgotten),
		FOLD_TEST(who_was_told_of_the_longest_ago_makes_room),
		FOLD_TEST(whom_a_record_has_named_is_kept_for_the_next),
		FOLD_TEST(at_the_end_all_is_told_of_once),
		FOLD_TEST(every_event_is_told_of_exactly_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
