/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of the end of a flow, in the world of denied_world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/mark.h"
#include "denied_world.h"
#include "flowlog/flow_end.h"

#define G "10.1.0.1"
#define WEB "10.0.0.1"
#define NOW_US INT64_C(1773457632345678)

static struct mark_layout marks;

static int lay_out(void **state)
{
	struct err err;

	(void)state;
	return mark_layout_init(&marks, MARK_DEFAULT_MASK, &err);
}

/* Marks of others are in the other bits. */
#define FOREIGN_MARK 0x20000u

static const struct {
	const char *name;
	size_t mark; /* where in the layout; SIZE_MAX: none */
	bool is_judged;
} mark_cases[] = {
	{ "ALLOWED was judged", offsetof(struct mark_layout, allowed), true },
	{ "so was PICKED-UP", offsetof(struct mark_layout, picked_up), true },
	{ "OWN-NODE was not", offsetof(struct mark_layout, own_node), false },
	{ "nor was TO-NODE", offsetof(struct mark_layout, to_node), false },
	{ "nor was what has no mark, or has lost it", SIZE_MAX, false },
};

static uint32_t mark_at(size_t offset)
{
	uint32_t mark = 0;

	if (offset != SIZE_MAX)
		memcpy(&mark, (const char *)&marks + offset, sizeof(mark));
	return mark | FOREIGN_MARK;
}

static void marks_say_what_was_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mark_cases) / sizeof(mark_cases[0]);
	     i++) {
		const struct conntrack_end end = {
			.entry.mark = mark_at(mark_cases[i].mark),
		};

		if (flow_end_is_judged(&marks, &end) != mark_cases[i].is_judged)
			fail_msg("%s", mark_cases[i].name);
	}
}

/* TCP from @src, port 40000, to port 80 of @dst, by a Service's address. */
static struct conntrack_end end_of(const char *src, const char *dst,
				   uint32_t mark)
{
	struct conntrack_end end = {
		.entry.original = { .src_port = 40000, .dst_port = 8000 },
		.entry.reply = { .src_port = 80, .dst_port = 40000 },
		.entry.protocol = PROTOCOL_TCP,
		.entry.mark = mark,
		.is_counted = true,
		.original = { 5, 500 },
		.reply = { 4, 4000 },
		.is_timed = true,
		.began_us = NOW_US - 2500000,
		.ended_us = NOW_US - 1000000,
	};

	ip_addr_parse(src, strlen(src), &end.entry.original.src);
	ip_addr_parse("10.96.0.1", 9, &end.entry.original.dst);
	ip_addr_parse(dst, strlen(dst), &end.entry.reply.src);
	end.entry.reply.dst = end.entry.original.src;
	return end;
}

static const struct {
	const char *name, *spec, *src, *dst;
	bool picked_up;
	uint8_t note;
	uint16_t dst_port;
	const char *text;
} cases[] = {
	{ "it is told of from who has opened it, to who has answered",
	  "ingress: [{}]", G, WEB, false, NOTE_NONE, 80,
	  "{\"end\":{\"packets\":{\"there\":5,\"back\":4},"
	  "\"bytes\":{\"there\":500,\"back\":4000},\"duration_ms\":1500}}" },
	{ "where it would not pass any more the reasons are not known",
	  "ingress: []", G, WEB, false, FLOW_NOTE_REMEMBERED, 80,
	  "{\"end\":{\"packets\":{\"there\":5,\"back\":4},"
	  "\"bytes\":{\"there\":500,\"back\":4000},\"duration_ms\":1500}}" },
	{ "one that was picked up is told of in the direction that is allowed",
	  "ingress: []", G, WEB, true, NOTE_NONE, 40000,
	  "{\"end\":{\"packets\":{\"there\":4,\"back\":5},"
	  "\"bytes\":{\"there\":4000,\"back\":500},\"duration_ms\":1500}}" },
	{ "which is that of who opened it, where both are", "ingress: [{}]", G,
	  WEB, true, NOTE_NONE, 80,
	  "{\"end\":{\"packets\":{\"there\":5,\"back\":4},"
	  "\"bytes\":{\"there\":500,\"back\":4000},\"duration_ms\":1500}}" },
};

static char *text_of(const struct flow_told *told)
{
	struct json_text text = { 0 };
	char *out;

	json_text_begin_object(&text);
	flow_end_write(&text, told);
	json_text_end_object(&text);
	assert_false(text.failed);
	out = strndup(text.data, text.len);
	json_text_release(&text);
	return out;
}

static void an_end_says_whose_and_how_much(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct conntrack_end end = end_of(
			cases[i].src, cases[i].dst,
			cases[i].picked_up ? marks.picked_up : marks.allowed);
		struct denied_world world;
		struct flow_told told;
		char *text;

		denied_world_init(&world, cases[i].spec, G, WEB, "80/TCP");
		told = flow_end_told(&marks, &end, world.snapshot, NOW_US);
		text = text_of(&told);
		if (told.event.note != cases[i].note ||
		    told.event.key.dst_port != cases[i].dst_port ||
		    told.event.decision.verdict != VERDICT_ALLOW)
			fail_msg("%s: note %u, port %u", cases[i].name,
				 told.event.note, told.event.key.dst_port);
		if (strcmp(text, cases[i].text) != 0)
			fail_msg("%s: %s", cases[i].name, text);
		assert_int_equal(NOW_US - 1000000, told.last_us);
		free(text);
		denied_world_release(&world);
	}
}

static void what_is_not_known_is_not_written(void **state)
{
	struct conntrack_end end = end_of(G, WEB, marks.allowed);
	struct flow_told told;
	char *text;

	(void)state;
	end.is_counted = end.is_timed = false;
	told = flow_end_told(&marks, &end, NULL, NOW_US);
	text = text_of(&told);
	assert_string_equal("{\"end\":{}}", text);
	assert_int_equal(NOW_US, told.last_us);
	assert_int_equal(FLOW_NOTE_REMEMBERED, told.event.note);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_say_what_was_judged),
		cmocka_unit_test(an_end_says_whose_and_how_much),
		cmocka_unit_test(what_is_not_known_is_not_written),
	};

	return cmocka_run_group_tests(tests, lay_out, NULL);
}
