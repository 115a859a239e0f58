/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/sight.h"
#include "netpold/object.h"

/* 10.1.0.1:40000 to 10.0.0.1:80, SYN, 1460 bytes by its header. */
static const uint8_t syn[40] = {
	0x45, 0, 0x05, 0xb4, 0,	   0,	 0,    0,    64, 6,  0, 0, 10, 1,
	0,    1, 10,   0,    0,	   1,	 0x9c, 0x40, 0,	 80, 0, 0, 0,  0,
	0,    0, 0,    0,    0x50, 0x02, 0,    0,    0,	 0,  0, 0,
};

static struct flow_event see(const uint8_t *data, size_t len,
			     enum packet_class class,
			     const struct judgement *judgement)
{
	const struct queue_packet queued = { .data = data, .len = len };
	enum packet_status status;
	struct packet packet;
	struct sight sight;

	status = packet_parse(data, len, &packet);
	sight = sight_of(class, status, &packet);
	return sight_to_event(&sight, &queued, judgement, 7);
}

static void an_event_says_what_the_question_does_not(void **state)
{
	const struct judgement judgement = {
		.answer = ANSWER_ALLOW,
		.key = { .dst_port = 80, .protocol = PROTOCOL_TCP },
		.decision.verdict = VERDICT_ALLOW,
		.planned.verdict = VERDICT_DENY,
	};
	struct flow_event event =
		see(syn, sizeof(syn), CLASS_ORIGINAL_NEW, &judgement);

	(void)state;
	assert_int_equal(7, event.at_us);
	assert_int_equal(40000, event.src_port);
	assert_int_equal(80, event.key.dst_port);
	assert_int_equal(1460, event.len);
	assert_int_equal(0x02, event.tcp_flags);
	assert_int_equal(ANSWER_ALLOW, event.answer);
	assert_int_equal(VERDICT_ALLOW, event.decision.verdict);
	assert_int_equal(VERDICT_DENY, event.planned.verdict);
	assert_false(event.is_audit);
}

/* The question is about who opened the flow: the packet's receiver. */
static void against_its_direction_the_source_port_is_the_other_one(void **state)
{
	const struct judgement judgement = { .reversed = true };
	struct flow_event event =
		see(syn, sizeof(syn), CLASS_REPLY, &judgement);

	(void)state;
	assert_int_equal(80, event.src_port);
	assert_true(event.reversed);
	assert_int_equal(CLASS_REPLY, event.class);
}

static void without_a_question_the_ends_are_those_of_the_packet(void **state)
{
	const struct judgement judgement = { .note = NOTE_UNPARSABLE };
	struct flow_event event = see(syn, 24, CLASS_ORIGINAL_NEW, &judgement);

	(void)state;
	assert_int_equal(IP_V4, event.key.src.family);
	assert_int_equal(10, event.key.dst.bytes[0]);
	assert_int_equal(PROTOCOL_TCP, event.key.protocol);
	assert_false(event.key.has_port);
	assert_int_equal(0, event.src_port);
	/* Of what cannot be read at all there are none. */
	event = see(syn, 3, CLASS_ORIGINAL_NEW, &judgement);
	assert_int_equal(IP_NONE, event.key.src.family);
	assert_int_equal(3, event.len);
}

static void ipv6_counts_its_header_too(void **state)
{
	uint8_t bytes[48] = { 0x60, 0, 0, 0, 0, 8, PROTOCOL_UDP, 64 };
	const struct judgement judgement = { .note = NOTE_NONE };

	(void)state;
	assert_int_equal(
		48,
		see(bytes, sizeof(bytes), CLASS_ORIGINAL_NEW, &judgement).len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_says_what_the_question_does_not),
		cmocka_unit_test(
			against_its_direction_the_source_port_is_the_other_one),
		cmocka_unit_test(
			without_a_question_the_ends_are_those_of_the_packet),
		cmocka_unit_test(ipv6_counts_its_header_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
