/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes a record, and what it may say, in the world of denied_world.h.
 * Records go to a file, and are read there.
 */
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
#include <jansson.h>

#include "denied_world.h"
#include "flow_events.h"
#include "flowlog/flow_counts.h"
#include "flowlog/flow_hit.h"
#include "flowlog/flow_log.h"
#include "flowlog/flow_sink.h"
#include "flowlog/flow_teller.h"

#define SECOND_US INT64_C(1000000)
#define FOLD_S 10

static char path[] = "/tmp/netpold-teller-XXXXXX";
static struct flow_log_options options;
static struct flow_counts counts;
static struct flow_teller teller;

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void begin(uint32_t rate)
{
	const struct flow_sink_options sink = {
		.target = { FLOW_TARGET_FILE, path },
		.rotate_bytes = 1 << 20,
		.keep = 1,
	};
	struct err err;

	assert_int_equal(0, truncate(path, 0));
	memset(&counts, 0, sizeof(counts));
	options = (struct flow_log_options){ .rate = rate, .fold_s = FOLD_S };
	teller = (struct flow_teller){ .options = &options,
				       .node = "node-1",
				       .counts = &counts };
	assert_int_equal(0, flow_teller_init(&teller, &err));
	assert_int_equal(0, flow_sink_open(&sink, &counts, &teller.sink, &err));
}

/* Returns the records, as an array. */
static json_t *end(void)
{
	json_t *records = json_array();
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	flow_sink_close(teller.sink, 0);
	flow_teller_release(&teller);
	file = fopen(path, "re");
	assert_non_null(file);
	while (getline(&line, &size, file) > 0)
		assert_int_equal(
			0, json_array_append_new(records,
						 json_loads(line, 0, NULL)));
	free(line);
	fclose(file);
	return records;
}

static struct flow_event event_in(const struct denied_world *world)
{
	struct flow_event event = event_of(1);

	event.key = world->key;
	event.decision = event.planned = world->explanation.decision;
	return event;
}

static bool is_true(const json_t *records, size_t i, const char *key)
{
	return json_is_true(json_object_get(json_array_get(records, i), key));
}

static const char *receiver(const json_t *records, size_t i)
{
	const json_t *to = json_object_get(json_array_get(records, i), "to");

	return json_string_value(json_object_get(to, "pod"));
}

#define LATE(name)                                                             \
	"ingress: []}}\n---\n{apiVersion: v1, kind: Pod, metadata: "           \
	"{namespace: shop, name: " name "}, status: {podIP: 10.0.0.9}, "       \
	"spec: {containers: []"

/* An address that another pod has got within the interval. */
static void repeats_are_compared_with_the_record_before(void **state)
{
	struct flow_moment moment = { .now_us = SECOND_US };
	struct denied_world first, second;
	struct flow_event event;
	json_t *records;

	(void)state;
	denied_world_init(&first, LATE("a"), "10.1.0.1", "10.0.0.9", "80/TCP");
	denied_world_init(&second, LATE("b"), "10.1.0.1", "10.0.0.9", "80/TCP");
	event = event_in(&first);
	begin(0);
	moment.snapshot = first.snapshot;
	flow_teller_take(&teller, &moment, &event);
	for (int i = 0; i < 2; i++) {
		moment.now_us += FOLD_S * SECOND_US;
		moment.snapshot = second.snapshot;
		flow_teller_take(&teller, &moment, &event);
		assert_true(
			flow_teller_tell_due(&teller, &moment, moment.now_us));
	}
	records = end();
	assert_int_equal(3, json_array_size(records));
	assert_string_equal("a", receiver(records, 0));
	assert_false(is_true(records, 0, "pods_changed"));
	assert_null(receiver(records, 1));
	assert_true(is_true(records, 1, "pods_changed"));
	assert_string_equal("b", receiver(records, 2));
	assert_false(is_true(records, 2, "pods_changed"));
	json_decref(records);
	denied_world_release(&first);
	denied_world_release(&second);
}

#define RATE 5
#define MANY 100

static void take_flow(uint32_t number, bool is_denied, bool would_be_denied)
{
	const struct flow_moment moment = { .now_us = SECOND_US };
	struct flow_event event = event_of(number);

	event.answer = is_denied ? ANSWER_DENY : ANSWER_ALLOW;
	event.decision.verdict = is_denied ? VERDICT_DENY : VERDICT_ALLOW;
	event.planned.verdict = would_be_denied ? VERDICT_DENY : VERDICT_ALLOW;
	/* All of one pod. */
	event.key.src = addr_of("10.0.0.2");
	flow_teller_take(&teller, &moment, &event);
}

static const struct {
	const char *name;
	bool is_denied, would_be_denied;
} remarkable[] = {
	{ "a denial", true, true },
	{ "what would be denied", false, true },
	{ "what would be allowed", true, false },
};

static void what_is_allowed_does_not_use_up_the_share_of_denials(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(remarkable) / sizeof(remarkable[0]);
	     i++) {
		size_t n;
		json_t *records;

		begin(RATE);
		for (uint32_t k = 0; k < MANY; k++)
			take_flow(k, false, false);
		take_flow(MANY, remarkable[i].is_denied,
			  remarkable[i].would_be_denied);
		records = end();
		n = json_array_size(records);
		json_decref(records);
		if (n != RATE + 1)
			fail_msg("%s among %d that are allowed: %zu records",
				 remarkable[i].name, MANY, n);
		/* Nor the other way round, and each has no more than it. */
		begin(RATE);
		for (uint32_t k = 0; k < MANY; k++)
			take_flow(k, remarkable[i].is_denied,
				  remarkable[i].would_be_denied);
		take_flow(MANY, false, false);
		records = end();
		n = json_array_size(records);
		json_decref(records);
		if (n != RATE + 1)
			fail_msg("one that is allowed beside %s: %zu records",
				 remarkable[i].name, n);
	}
}

static uint64_t number_in(const json_t *records, size_t i, const char *key)
{
	return (uint64_t)json_integer_value(
		json_object_get(json_array_get(records, i), key));
}

/* Before anybody has judged the like of it, or long after; then with it. */
static void what_the_kernel_answers_is_told_with_its_flow(void **state)
{
	struct flow_moment moment = { .now_us = SECOND_US };
	struct denied_world world;
	struct flow_hit hit = { .packets = 50, .bytes = 3000 };
	struct flow_event event;
	json_t *records;

	(void)state;
	denied_world_init(&world, "ingress: []", "10.1.0.1", "10.0.0.1",
			  "80/TCP");
	event = event_in(&world);
	hit.memo = memo_of(&world.key);
	hit.verdict = VERDICT_DENY;
	hit.at_us = event.at_us;
	moment.snapshot = world.snapshot;
	begin(0);
	flow_teller_take_hit(&teller, &moment, &hit);
	flow_teller_take(&teller, &moment, &event);
	flow_teller_take_hit(&teller, &moment, &hit);
	moment.now_us += FOLD_S * SECOND_US;
	assert_true(flow_teller_tell_due(&teller, &moment, moment.now_us));
	assert_int_equal(0, counts.results[FLOW_LOGGED]);
	records = end();
	assert_int_equal(2, json_array_size(records));
	assert_int_equal(50, number_in(records, 0, "count"));
	assert_int_equal(50, number_in(records, 0, "by_kernel"));
	assert_false(is_true(records, 0, "policies_changed"));
	assert_string_equal("web", receiver(records, 0));
	assert_int_equal(51, number_in(records, 1, "count"));
	assert_int_equal(50, number_in(records, 1, "by_kernel"));
	assert_int_equal(3060, number_in(records, 1, "bytes"));
	assert_false(is_true(records, 1, "policies_changed"));
	assert_int_equal(101, counts.results[FLOW_FOLDED]);
	json_decref(records);
	denied_world_release(&world);
}

static void hits_have_the_share_of_their_pod(void **state)
{
	const struct flow_moment moment = { .now_us = SECOND_US };
	json_t *records;

	(void)state;
	begin(RATE);
	for (uint32_t k = 0; k < MANY; k++) {
		struct flow_event event = event_of(k);
		struct flow_hit hit = { .packets = 50, .bytes = 3000 };

		event.key.src = addr_of("10.0.0.2");
		hit.memo = memo_of(&event.key);
		flow_teller_take_hit(&teller, &moment, &hit);
	}
	records = end();
	assert_int_equal(RATE, json_array_size(records));
	assert_int_equal(50 * RATE, counts.results[FLOW_FOLDED]);
	assert_int_equal(50 * (MANY - RATE),
			 counts.results[FLOW_SUPPRESSED_RATE]);
	json_decref(records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats_are_compared_with_the_record_before),
		cmocka_unit_test(
			what_is_allowed_does_not_use_up_the_share_of_denials),
		cmocka_unit_test(what_the_kernel_answers_is_told_with_its_flow),
		cmocka_unit_test(hits_have_the_share_of_their_pod),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
