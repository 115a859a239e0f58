/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel answers by itself, as repeats of what was judged, in the
   world of denied_world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "denied_world.h"
#include "flowlog/flow_hit.h"

#define G "10.1.0.1"
#define WEB "10.0.0.1"
#define DB "10.0.0.2"
#define AT_US INT64_C(1773457632345678)

static const struct {
	const char *name, *spec, *dst, *port;
	enum verdict remembered;
	uint8_t note, icmp_type;
} cases[] = {
	{ "a denial has the reasons of the worker's", "ingress: []", WEB,
	  "80/TCP", VERDICT_DENY, NOTE_NONE, 0 },
	{ "so has what is allowed", "ingress: [{}]", DB, "53/UDP",
	  VERDICT_ALLOW, NOTE_NONE, 0 },
	{ "an echo request has its type", "ingress: []", WEB, "ICMP",
	  VERDICT_DENY, NOTE_NONE, 8 },
	{ "of what was denied and would not be any more no reason is known",
	  "ingress: [{}]", WEB, "80/TCP", VERDICT_DENY, FLOW_NOTE_REMEMBERED,
	  0 },
	{ "nor of what was allowed and would not be any more", "ingress: []",
	  WEB, "80/TCP", VERDICT_ALLOW, FLOW_NOTE_REMEMBERED, 0 },
};

static struct flow_told told_of(const struct denied_world *world,
				enum verdict verdict,
				const struct snapshot *snapshot)
{
	const struct flow_hit hit = {
		.memo = memo_of(&world->key),
		.verdict = (uint8_t)verdict,
		.at_us = AT_US,
		.packets = 1000,
		.bytes = 60000,
	};

	return flow_hit_told(&hit, snapshot);
}

static void a_hit_is_a_repeat(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct denied_world world;
		struct flow_told told;
		struct decision decision;

		denied_world_init(&world, cases[i].spec, G, cases[i].dst,
				  cases[i].port);
		told = told_of(&world, cases[i].remembered, world.snapshot);
		decision = snapshot_decide(world.snapshot, &world.key);
		if (told.event.note != cases[i].note)
			fail_msg("%s: note %u", cases[i].name, told.event.note);
		if (told.event.decision.verdict != cases[i].remembered ||
		    told.event.planned.verdict != cases[i].remembered)
			fail_msg("%s: another verdict", cases[i].name);
		if (cases[i].note == NOTE_NONE &&
		    memcmp(&told.event.decision, &decision, sizeof(decision)) !=
			    0)
			fail_msg("%s: other reasons", cases[i].name);
		if (told.event.icmp_type != cases[i].icmp_type)
			fail_msg("%s: type %u", cases[i].name,
				 told.event.icmp_type);
		denied_world_release(&world);
	}
}

static void it_counts_what_the_kernel_has_counted(void **state)
{
	struct denied_world world;
	struct flow_told told;

	(void)state;
	denied_world_init(&world, "ingress: []", G, WEB, "80/TCP");
	told = told_of(&world, VERDICT_DENY, world.snapshot);
	assert_int_equal(1000, told.count);
	assert_int_equal(1000, told.there);
	assert_int_equal(1000, told.by_kernel);
	assert_int_equal(60000, told.bytes);
	assert_int_equal(ANSWER_DENY, told.event.answer);
	assert_int_equal(AT_US, told.first_us);
	assert_int_equal(AT_US, told.last_us);
	denied_world_release(&world);
}

static void without_a_snapshot_the_answer_is_what_is_known(void **state)
{
	struct denied_world world;
	struct flow_told told;

	(void)state;
	denied_world_init(&world, "ingress: []", G, WEB, "80/TCP");
	told = told_of(&world, VERDICT_ALLOW, NULL);
	assert_int_equal(FLOW_NOTE_REMEMBERED, told.event.note);
	assert_int_equal(ANSWER_ALLOW, told.event.answer);
	denied_world_release(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hit_is_a_repeat),
		cmocka_unit_test(it_counts_what_the_kernel_has_counted),
		cmocka_unit_test(
			without_a_snapshot_the_answer_is_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
