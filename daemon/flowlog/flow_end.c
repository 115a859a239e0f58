/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_end.h"

#include <stddef.h>

#include "datapath/conntrack_key.h"
#include "datapath/mark.h"
#include "flowlog/flow_event.h"
#include "netpold/snapshot.h"

static bool is_picked_up(const struct mark_layout *marks,
			 const struct conntrack_end *end)
{
	return (end->entry.mark & marks->mask) == marks->picked_up;
}

bool flow_end_is_judged(const struct mark_layout *marks,
			const struct conntrack_end *end)
{
	return (end->entry.mark & marks->judged_mask) == marks->allowed;
}

static struct flow_key reverse_of(const struct conntrack_entry *entry,
				  const struct flow_key *key)
{
	return (struct flow_key){
		.src = key->dst,
		.dst = key->src,
		.dst_port = key->has_port ? entry->original.src_port : 0,
		.protocol = key->protocol,
		.has_port = key->has_port,
	};
}

static bool is_allowed(const struct snapshot *snapshot,
		       const struct flow_key *key)
{
	return snapshot_decide(snapshot, key).verdict == VERDICT_ALLOW;
}

/* Who was met in its middle may have been opened by either end. */
static void orient(struct flow_event *event, const struct conntrack_end *end,
		   const struct snapshot *snapshot)
{
	const struct conntrack_entry *entry = &end->entry;
	struct flow_key reverse;

	event->key = conntrack_key(entry);
	event->src_port = entry->original.src_port;
	if (event->answer != ANSWER_ALLOW_PICKED_UP || !snapshot ||
	    is_allowed(snapshot, &event->key))
		return;
	reverse = reverse_of(entry, &event->key);
	if (!is_allowed(snapshot, &reverse))
		return;
	event->src_port = event->key.dst_port;
	event->key = reverse;
}

static void decide(struct flow_event *event, const struct snapshot *snapshot)
{
	const struct snapshot *planned = NULL;

	if (snapshot) {
		event->decision = snapshot_decide(snapshot, &event->key);
		planned = snapshot_planned(snapshot);
	}
	if (!snapshot || event->decision.verdict == VERDICT_DENY) {
		event->note = FLOW_NOTE_REMEMBERED;
		event->decision = (struct decision){ .verdict = VERDICT_ALLOW };
		planned = NULL;
	}
	event->planned = planned ? snapshot_decide(planned, &event->key)
				 : event->decision;
}

struct flow_told flow_end_told(const struct mark_layout *marks,
			       const struct conntrack_end *end,
			       const struct snapshot *snapshot, int64_t now_us)
{
	int64_t at_us = end->is_timed ? end->ended_us : now_us;
	struct flow_told told = {
		.event.at_us = at_us,
		.event.class = CLASS_ORIGINAL,
		.event.answer = is_picked_up(marks, end)
					? ANSWER_ALLOW_PICKED_UP
					: ANSWER_ALLOW,
		.event.icmp_type = end->entry.original.icmp_type,
		.event.icmp_code = end->entry.original.icmp_code,
		.end = end,
		.count = 1,
		.first_us = at_us,
		.last_us = at_us,
	};

	orient(&told.event, end, snapshot);
	decide(&told.event, snapshot);
	return told;
}

static void write_pair(struct json_text *out, const char *key, uint64_t there,
		       uint64_t back)
{
	json_text_key(out, key);
	json_text_begin_object(out);
	json_text_key(out, "there");
	json_text_number(out, there);
	json_text_key(out, "back");
	json_text_number(out, back);
	json_text_end_object(out);
}

static void write_counts(struct json_text *out, const struct flow_told *told)
{
	const struct conntrack_end *end = told->end;
	bool as_opened =
		ip_addr_equal(&told->event.key.src, &end->entry.original.src);
	const struct conntrack_count *there = as_opened ? &end->original
							: &end->reply,
				     *back = as_opened ? &end->reply
						       : &end->original;

	write_pair(out, "packets", there->packets, back->packets);
	write_pair(out, "bytes", there->bytes, back->bytes);
}

void flow_end_write(struct json_text *out, const struct flow_told *told)
{
	const struct conntrack_end *end = told->end;

	json_text_key(out, "end");
	json_text_begin_object(out);
	if (end->is_counted)
		write_counts(out, told);
	if (end->is_timed && end->ended_us >= end->began_us) {
		json_text_key(out, "duration_ms");
		json_text_number(
			out, (uint64_t)(end->ended_us - end->began_us) / 1000);
	}
	json_text_end_object(out);
}
