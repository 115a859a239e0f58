/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_hit.h"

#include <stddef.h>

#include "flowlog/flow_event.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

/* Of what is memorable the planned verdict is the same, its reasons need not
   be. */
static void decide(struct flow_event *event, const struct snapshot *snapshot,
		   enum verdict verdict)
{
	const struct snapshot *planned =
		snapshot ? snapshot_planned(snapshot) : NULL;

	if (snapshot)
		event->decision = snapshot_decide(snapshot, &event->key);
	if (!snapshot || event->decision.verdict != verdict) {
		event->note = FLOW_NOTE_REMEMBERED;
		event->decision = (struct decision){ .verdict = verdict };
		planned = NULL;
	}
	event->planned = event->decision;
	if (planned)
		event->planned = snapshot_decide(planned, &event->key);
}

static struct flow_event event_of(const struct flow_hit *hit,
				  const struct snapshot *snapshot)
{
	enum verdict verdict = hit->verdict;
	uint8_t protocol = hit->memo.protocol;
	struct flow_event event = {
		.at_us = hit->at_us,
		.key = memo_question(&hit->memo),
		.class = CLASS_ORIGINAL_NEW,
		.answer = verdict == VERDICT_ALLOW ? ANSWER_ALLOW : ANSWER_DENY,
	};

	if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
		event.icmp_type = (uint8_t)(hit->memo.port >> 8);
		event.icmp_code = (uint8_t)hit->memo.port;
	}
	decide(&event, snapshot, verdict);
	return event;
}

struct flow_told flow_hit_told(const struct flow_hit *hit,
			       const struct snapshot *snapshot)
{
	return (struct flow_told){
		.event = event_of(hit, snapshot),
		.count = hit->packets,
		.there = hit->packets,
		.by_kernel = hit->packets,
		.bytes = hit->bytes,
		.first_us = hit->at_us,
		.last_us = hit->at_us,
	};
}
