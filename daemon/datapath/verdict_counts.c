/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/verdict_counts.h"

#include <netinet/in.h>
#include <stdatomic.h>

const char *verdict_mode_name(enum verdict_mode mode)
{
	return mode == VERDICT_MODE_AUDIT ? "audit" : "enforce";
}

const char *verdict_protocol_name(enum verdict_protocol protocol)
{
	static const char *const names[N_VERDICT_PROTOCOLS] = {
		[COUNTED_TCP] = "tcp",	   [COUNTED_UDP] = "udp",
		[COUNTED_SCTP] = "sctp",   [COUNTED_ICMP] = "icmp",
		[COUNTED_OTHER] = "other",
	};

	return names[protocol];
}

enum verdict_protocol verdict_protocol_of(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return COUNTED_TCP;
	case IPPROTO_UDP:
		return COUNTED_UDP;
	case IPPROTO_SCTP:
		return COUNTED_SCTP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return COUNTED_ICMP;
	default:
		return COUNTED_OTHER;
	}
}

/* As round_count(): one writer, and nothing is read by way of it. */
static void add_one(_Atomic uint64_t *count)
{
	atomic_store_explicit(
		count, atomic_load_explicit(count, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

static enum verdict verdict_of(enum answer answer)
{
	return answer == ANSWER_DENY ? VERDICT_DENY : VERDICT_ALLOW;
}

/* What cannot be read passes for staged pods alone, and were denied to them
   (L7, NP-8). */
bool verdict_plan(const struct judgement *judgement, struct judgement *planned)
{
	*planned = *judgement;
	planned->decision = judgement->planned;
	if (judgement->note == NOTE_UNPARSABLE)
		planned->answer = ANSWER_DENY;
	else if (judgement->note == NOTE_NONE)
		planned->answer = judgement->planned.verdict == VERDICT_ALLOW
					  ? ANSWER_ALLOW
					  : ANSWER_DENY;
	return verdict_of(planned->answer) != verdict_of(judgement->answer);
}

void verdict_counts_add(struct verdict_counts *counts, enum verdict_mode mode,
			const struct judgement *judgement)
{
	const struct side *sides = judgement->decision.sides;
	enum verdict_protocol protocol;

	if (judgement->note != NOTE_NONE) {
		add_one(&counts->noted[mode][judgement->note]
				      [verdict_of(judgement->answer)]);
		return;
	}
	protocol = verdict_protocol_of(judgement->key.protocol);
	add_one(&counts->judged[mode][protocol][sides[DIRECTION_EGRESS].reason]
			       [sides[DIRECTION_INGRESS].reason]);
}

static uint64_t load(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static void add_protocol(struct verdict_sums *sums,
			 const struct verdict_counts *counts, int mode,
			 int protocol)
{
	uint64_t(*sides)[N_REASONS] = sums->sides[mode][protocol];

	for (int out = 0; out < N_REASONS; out++) {
		for (int in = 0; in < N_REASONS; in++) {
			uint64_t n =
				load(&counts->judged[mode][protocol][out][in]);

			sides[DIRECTION_EGRESS][out] += n;
			sides[DIRECTION_INGRESS][in] += n;
		}
	}
}

void verdict_sums_add(struct verdict_sums *sums,
		      const struct verdict_counts *counts)
{
	for (int mode = 0; mode < N_VERDICT_MODES; mode++) {
		for (int i = 0; i < N_VERDICT_PROTOCOLS; i++)
			add_protocol(sums, counts, mode, i);
		for (int i = 0; i < N_NOTES * 2; i++)
			sums->noted[mode][i / 2][i % 2] +=
				load(&counts->noted[mode][i / 2][i % 2]);
	}
}
