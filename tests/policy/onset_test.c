/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/object.h"
#include "netpold/onset.h"

#define QUIET ONSET_QUIET_US
#define LONG_AGO 1000000
#define BATCH_MAX 4

static struct onset *an_onset(void)
{
	static const uint64_t hash_key[2] = { 1, 2 };
	struct onset *onset = onset_new(hash_key);

	assert_non_null(onset);
	return onset;
}

/* A packet between two ends, of which @from is the last byte of the sender. */
static struct packet datagram(uint8_t from, uint16_t src_port, uint8_t to,
			      uint16_t dst_port)
{
	struct packet packet = {
		.src = { .family = IP_V4, .bytes = { 10, 0, 0, from } },
		.dst = { .family = IP_V4, .bytes = { 10, 0, 0, to } },
		.src_port = src_port,
		.dst_port = dst_port,
		.protocol = PROTOCOL_UDP,
		.has_ports = true,
	};

	return packet;
}

/* Flow A is 10.0.0.1:5000 to 10.0.0.2:53, a its replies; B is another. */
static uint64_t flow_named(const struct onset *onset, char name)
{
	bool is_reply = false;
	struct packet packet;

	switch (name) {
	case 'A':
		packet = datagram(1, 5000, 2, 53);
		break;
	case 'a':
		packet = datagram(2, 53, 1, 5000);
		is_reply = true;
		break;
	case 'B':
		packet = datagram(1, 5001, 2, 53);
		break;
	default: /* T: over TCP */
		packet = datagram(1, 5000, 2, 53);
		packet.protocol = PROTOCOL_TCP;
	}
	return onset_flow(onset, &packet, is_reply);
}

/* Batches in a row, each some time after the one before it. */
static const struct {
	const char *name;
	struct {
		uint32_t after_us;
		const char *flows;
		const char *may; /* y or n for each */
	} batches[4];
} cases[] = {
	{ "what comes alone first does not", { { 0, "A", "n" } } },
	{ "the second in a row does",
	  { { 0, "A", "n" }, { QUIET, "A", "y" } } },
	{ "also where it is a reply",
	  { { 0, "A", "n" }, { QUIET, "a", "y" } } },
	{ "of a burst none does", { { 0, "AAA", "nnn" } } },
	{ "a reply is a part of it", { { 0, "AaA", "nnn" }, { 1, "a", "n" } } },
	{ "what comes right behind one does not",
	  { { 0, "AA", "nn" }, { QUIET - 1, "A", "n" } } },
	{ "nor what comes first after it",
	  { { 0, "AA", "nn" },
	    { QUIET, "A", "n" },
	    { 1, "A", "n" },
	    { QUIET, "A", "n" } } },
	{ "but then the next one does",
	  { { 0, "AA", "nn" }, { QUIET, "A", "n" }, { QUIET, "A", "y" } } },
	{ "silence counts from the last packet",
	  { { 0, "A", "n" },
	    { QUIET - 1, "A", "n" },
	    { QUIET - 1, "A", "n" } } },
	{ "another flow is no matter",
	  { { 0, "A", "n" }, { QUIET, "BAB", "nyn" } } },
	{ "what is no UDP does at once", { { 0, "TT", "yy" } } },
};

/* The clock is about to wrap around. */
#define START_US (UINT32_MAX - QUIET / 2)

static void marks_are_set_when_a_burst_is_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct onset *onset = an_onset();
		uint32_t now_us = START_US;

		for (size_t b = 0; b < 4 && cases[i].batches[b].flows; b++) {
			const char *names = cases[i].batches[b].flows;
			uint64_t flows[BATCH_MAX];
			char got[BATCH_MAX + 1] = "";
			bool may[BATCH_MAX];
			size_t n = strlen(names);

			now_us += cases[i].batches[b].after_us;
			for (size_t j = 0; j < n; j++)
				flows[j] = flow_named(onset, names[j]);
			onset_judge(onset, flows, n, now_us, may);
			for (size_t j = 0; j < n; j++)
				got[j] = may[j] ? 'y' : 'n';
			if (strcmp(got, cases[i].batches[b].may) != 0)
				fail_msg(
					"%s: batch %zu, %s: expected %s, got %s",
					cases[i].name, b + 1, names,
					cases[i].batches[b].may, got);
		}
		onset_free(onset);
	}
}

/* And once it was silent for long, it is as if it were new. */
static void a_burst_without_an_end_gets_its_mark(void **state)
{
	struct onset *onset = an_onset();
	uint64_t flows[2];
	uint32_t now_us = 0;
	bool may[2];

	(void)state;
	flows[0] = flows[1] = flow_named(onset, 'A');
	for (int n = 0; n < ONSET_MAX; n += 2) {
		onset_judge(onset, flows, 2, now_us, may);
		assert_false(may[0] || may[1]);
		now_us += QUIET - 1;
	}
	for (int n = 0; n < 10; n++) {
		onset_judge(onset, flows, 2, now_us, may);
		assert_true(may[0] && may[1]);
		now_us += QUIET - 1;
	}
	onset_judge(onset, flows, 2, now_us + LONG_AGO, may);
	assert_false(may[0] || may[1]);
	onset_free(onset);
}

/* However long the pauses are, and whether it comes in pairs, or as question
   and answer at once. */
static void a_flow_that_goes_on_gets_its_mark(void **state)
{
	static const uint32_t pauses_us[] = { QUIET, 2 * LONG_AGO };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct onset *onset = an_onset();
		uint64_t flow = flow_named(onset, 'A');
		const uint64_t flows[] = { flow, flow };
		bool may[2] = { false };
		uint32_t now_us = 0;
		size_t n = 1 + i % 2;

		for (int start = 0; start < ONSET_STARTS; start++) {
			onset_judge(onset, flows, n, now_us, may);
			assert_false(may[0] || may[1]);
			onset_judge(onset, flows, n, now_us + 1, may);
			assert_false(may[0] || may[1]);
			now_us += pauses_us[i / 2] + 1;
		}
		onset_judge(onset, flows, n, now_us, may);
		assert_true(may[0] && may[n - 1]);
		onset_free(onset);
	}
}

static void the_opener_makes_a_flow(void **state)
{
	const struct packet elsewhere = datagram(1, 5000, 3, 53);
	const struct packet another = datagram(4, 5000, 2, 53);
	struct onset *onset = an_onset();
	uint64_t flow = flow_named(onset, 'A');

	(void)state;
	assert_int_equal(flow, flow_named(onset, 'a'));
	assert_int_not_equal(flow, flow_named(onset, 'B'));
	assert_int_equal(flow, onset_flow(onset, &elsewhere, false));
	assert_int_not_equal(flow, onset_flow(onset, &another, false));
	assert_int_equal(0, flow_named(onset, 'T'));
	onset_free(onset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_set_when_a_burst_is_over),
		cmocka_unit_test(a_burst_without_an_end_gets_its_mark),
		cmocka_unit_test(a_flow_that_goes_on_gets_its_mark),
		cmocka_unit_test(the_opener_makes_a_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
