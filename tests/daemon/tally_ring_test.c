/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/tally_ring.h"

static struct judgement judge(enum reason egress, enum reason ingress)
{
	return (struct judgement){
		.key = { .protocol = 6, .dst_port = 8080 },
		.decision.sides = { [DIRECTION_EGRESS].reason = egress,
				    [DIRECTION_INGRESS].reason = ingress },
	};
}

/* A packet, and how many verdicts of policies it has. */
static const struct {
	const char *name;
	enum reason egress, ingress;
	enum judge_note note;
	unsigned int n;
} packets[] = {
	{ "a rule is a policy's", REASON_RULE, REASON_NOT_LOCAL, NOTE_NONE, 1 },
	{ "so is that none matches", REASON_NOT_ISOLATED,
	  REASON_NO_RULE_MATCHES, NOTE_NONE, 1 },
	{ "both ends may have one", REASON_RULE, REASON_NO_RULE_MATCHES,
	  NOTE_NONE, 2 },
	{ "who is not isolated has none", REASON_NOT_ISOLATED, REASON_SELF,
	  NOTE_NONE, 0 },
	{ "nor has the own node", REASON_OWN_NODE, REASON_NOT_A_POD, NOTE_NONE,
	  0 },
	{ "what asks no policy has none", REASON_NO_RULE_MATCHES,
	  REASON_NO_RULE_MATCHES, NOTE_UNPARSABLE, 0 },
};

static void what_policies_decide_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		struct tally_ring *ring = tally_ring_new();
		struct judgement judgement =
			judge(packets[i].egress, packets[i].ingress);
		struct tally_note note;

		judgement.note = packets[i].note;
		tally_ring_put(ring, VERDICT_MODE_AUDIT, &judgement);
		if (tally_ring_take(ring, &note) != (packets[i].n > 0))
			fail_msg("%s", packets[i].name);
		if (packets[i].n > 0) {
			assert_int_equal(VERDICT_MODE_AUDIT, note.mode);
			assert_int_equal(8080, note.key.dst_port);
			assert_int_equal(packets[i].egress,
					 note.reasons[DIRECTION_EGRESS]);
			assert_int_equal(packets[i].ingress,
					 note.reasons[DIRECTION_INGRESS]);
		}
		assert_false(tally_ring_take(ring, &note));
		tally_ring_free(ring);
	}
}

/* Told and missed are all there were. */
static void what_does_not_fit_is_missed(void **state)
{
	struct judgement both = judge(REASON_RULE, REASON_RULE);
	struct judgement none = judge(REASON_SELF, REASON_SELF);
	struct tally_ring *ring = tally_ring_new();
	unsigned int n_told = 0;
	struct tally_note note;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < TALLY_RING_SIZE + 10; i++) {
			both.key.dst_port = (uint16_t)i;
			tally_ring_put(ring, VERDICT_MODE_ENFORCE, &both);
			tally_ring_put(ring, VERDICT_MODE_ENFORCE, &none);
		}
		for (int i = 0; tally_ring_take(ring, &note); i++, n_told++)
			assert_int_equal(i, note.key.dst_port);
	}
	assert_int_equal(3 * TALLY_RING_SIZE, n_told);
	assert_int_equal(3 * 10 * 2, tally_ring_missed(ring));
	tally_ring_free(ring);
}

/* Else a burst would be missed that comes while nobody looks. */
static void who_reads_is_woken_at_half(void **state)
{
	struct judgement one = judge(REASON_RULE, REASON_SELF);
	struct tally_ring *ring = tally_ring_new();
	int fd = tally_ring_wake_fd(ring);
	struct tally_note note;
	uint64_t n;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < TALLY_RING_SIZE / 2; i++) {
			assert_int_equal(-1, read(fd, &n, sizeof(n)));
			tally_ring_put(ring, VERDICT_MODE_ENFORCE, &one);
		}
		assert_int_equal(sizeof(n), read(fd, &n, sizeof(n)));
		assert_int_equal(1, n);
		while (tally_ring_take(ring, &note))
			;
	}
	assert_int_equal(0, tally_ring_missed(ring));
	tally_ring_free(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_policies_decide_is_told),
		cmocka_unit_test(what_does_not_fit_is_missed),
		cmocka_unit_test(who_reads_is_woken_at_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
