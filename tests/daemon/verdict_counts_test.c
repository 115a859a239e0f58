/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/verdict_counts.h"

static struct judgement judge(uint8_t protocol, enum reason egress,
			      enum reason ingress)
{
	return (struct judgement){
		.key.protocol = protocol,
		.decision.sides = { [DIRECTION_EGRESS].reason = egress,
				    [DIRECTION_INGRESS].reason = ingress },
	};
}

static const struct {
	const char *name;
	uint8_t number;
	const char *protocol;
} protocols[] = {
	{ "TCP is counted as such", 6, "tcp" },
	{ "UDP is counted as such", 17, "udp" },
	{ "SCTP is counted as such", 132, "sctp" },
	{ "ICMP is counted as such", 1, "icmp" },
	{ "ICMPv6 is counted as ICMP", 58, "icmp" },
	{ "GRE is another protocol", 47, "other" },
	{ "number 0 is another protocol", 0, "other" },
	{ "number 255 is another protocol", 255, "other" },
};

static void a_protocol_has_a_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		const char *name = verdict_protocol_name(
			verdict_protocol_of(protocols[i].number));

		if (strcmp(name, protocols[i].protocol) != 0)
			fail_msg("%s: got %s", protocols[i].name, name);
	}
}

static void each_packet_counts_once_for_each_end(void **state)
{
	static struct verdict_counts first, second;
	struct judgement allowed = judge(6, REASON_RULE, REASON_NOT_ISOLATED);
	struct judgement denied =
		judge(17, REASON_NOT_LOCAL, REASON_NO_RULE_MATCHES);
	struct verdict_sums sums = { 0 };

	(void)state;
	verdict_counts_add(&first, VERDICT_MODE_ENFORCE, &allowed);
	verdict_counts_add(&first, VERDICT_MODE_ENFORCE, &allowed);
	verdict_counts_add(&second, VERDICT_MODE_ENFORCE, &allowed);
	verdict_counts_add(&second, VERDICT_MODE_AUDIT, &denied);
	verdict_sums_add(&sums, &first);
	verdict_sums_add(&sums, &second);
	assert_int_equal(3, sums.sides[VERDICT_MODE_ENFORCE][COUNTED_TCP]
				      [DIRECTION_EGRESS][REASON_RULE]);
	assert_int_equal(3, sums.sides[VERDICT_MODE_ENFORCE][COUNTED_TCP]
				      [DIRECTION_INGRESS][REASON_NOT_ISOLATED]);
	assert_int_equal(0, sums.sides[VERDICT_MODE_ENFORCE][COUNTED_TCP]
				      [DIRECTION_INGRESS][REASON_RULE]);
	assert_int_equal(1,
			 sums.sides[VERDICT_MODE_AUDIT][COUNTED_UDP]
				   [DIRECTION_INGRESS][REASON_NO_RULE_MATCHES]);
	assert_int_equal(0,
			 sums.sides[VERDICT_MODE_ENFORCE][COUNTED_UDP]
				   [DIRECTION_INGRESS][REASON_NO_RULE_MATCHES]);
}

/* Its decision is empty, and would look like a denial. */
static void what_asks_no_policy_is_no_denial(void **state)
{
	static struct verdict_counts counts;
	const struct judgement discovery = { .note = NOTE_DISCOVERY,
					     .answer = ANSWER_PASS };
	const struct judgement unparsable = { .note = NOTE_UNPARSABLE };
	const struct judgement spared = { .note = NOTE_UNPARSABLE,
					  .answer = ANSWER_PASS };
	struct verdict_sums sums = { 0 };

	(void)state;
	verdict_counts_add(&counts, VERDICT_MODE_ENFORCE, &discovery);
	verdict_counts_add(&counts, VERDICT_MODE_ENFORCE, &unparsable);
	verdict_counts_add(&counts, VERDICT_MODE_ENFORCE, &unparsable);
	verdict_counts_add(&counts, VERDICT_MODE_ENFORCE, &spared);
	verdict_sums_add(&sums, &counts);
	assert_int_equal(1, sums.noted[VERDICT_MODE_ENFORCE][NOTE_DISCOVERY]
				      [VERDICT_ALLOW]);
	assert_int_equal(2, sums.noted[VERDICT_MODE_ENFORCE][NOTE_UNPARSABLE]
				      [VERDICT_DENY]);
	assert_int_equal(1, sums.noted[VERDICT_MODE_ENFORCE][NOTE_UNPARSABLE]
				      [VERDICT_ALLOW]);
	for (int i = 0; i < N_VERDICT_PROTOCOLS * N_DIRECTIONS; i++)
		assert_int_equal(0, sums.sides[VERDICT_MODE_ENFORCE][i / 2]
					      [i % 2][REASON_NO_RULE_MATCHES]);
}

static const struct {
	const char *name;
	enum judge_note note;
	enum answer answer;
	enum verdict decided, planned;
	enum verdict told; /* of what is audited */
	bool differs;
} plans[] = {
	{ "who is denied by what is enforced counts once", NOTE_NONE,
	  ANSWER_DENY, VERDICT_DENY, VERDICT_DENY, VERDICT_DENY, false },
	{ "so does who is allowed in either case", NOTE_NONE, ANSWER_ALLOW,
	  VERDICT_ALLOW, VERDICT_ALLOW, VERDICT_ALLOW, false },
	{ "and who is, without being remembered", NOTE_NONE, ANSWER_PASS,
	  VERDICT_ALLOW, VERDICT_ALLOW, VERDICT_ALLOW, false },
	{ "who would be denied counts in both modes", NOTE_NONE, ANSWER_ALLOW,
	  VERDICT_ALLOW, VERDICT_DENY, VERDICT_DENY, true },
	{ "who would be allowed likewise", NOTE_NONE, ANSWER_DENY, VERDICT_DENY,
	  VERDICT_ALLOW, VERDICT_ALLOW, true },
	{ "what cannot be read is denied once", NOTE_UNPARSABLE, ANSWER_DENY,
	  VERDICT_DENY, VERDICT_DENY, VERDICT_DENY, false },
	{ "to who is staged it passes, and would not", NOTE_UNPARSABLE,
	  ANSWER_PASS, VERDICT_DENY, VERDICT_DENY, VERDICT_DENY, true },
	{ "discovery passes in any case", NOTE_DISCOVERY, ANSWER_PASS,
	  VERDICT_DENY, VERDICT_DENY, VERDICT_ALLOW, false },
};

static void what_is_staged_counts_where_it_differs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		const struct judgement judgement = {
			.note = plans[i].note,
			.answer = plans[i].answer,
			.decision.verdict = plans[i].decided,
			.planned.verdict = plans[i].planned,
		};
		struct judgement planned;
		bool differs = verdict_plan(&judgement, &planned);
		enum verdict told = planned.answer == ANSWER_DENY
					    ? VERDICT_DENY
					    : VERDICT_ALLOW;

		if (differs != plans[i].differs || told != plans[i].told ||
		    planned.decision.verdict != plans[i].planned)
			fail_msg("%s: got %d, %s", plans[i].name, differs,
				 verdict_name(told));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_protocol_has_a_name),
		cmocka_unit_test(each_packet_counts_once_for_each_end),
		cmocka_unit_test(what_asks_no_policy_is_no_denial),
		cmocka_unit_test(what_is_staged_counts_where_it_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
