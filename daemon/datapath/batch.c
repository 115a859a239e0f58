/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/batch.h"

#include <linux/netfilter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/flow_cache.h"
#include "netpold/judge.h"
#include "netpold/onset.h"

#include "clock.h"
#include "datapath/answer.h"
#include "datapath/mark.h"
#include "datapath/queue.h"
#include "datapath/round.h"
#include "datapath/sight.h"
#include "datapath/tally_ring.h"
#include "datapath/unclaimed.h"
#include "datapath/verdict_counts.h"
#include "datapath/worker_parts.h"
#include "flowlog/flow_event.h"
#include "flowlog/flow_ring.h"

/* As onset_flow(). */
static uint64_t flow_of(const struct worker *worker, enum packet_status status,
			const struct packet *packet, enum packet_class class)
{
	const struct onset *onset = worker->options.onset;

	return onset && status == PACKET_OK
		       ? onset_flow(onset, packet, class == CLASS_REPLY)
		       : 0;
}

static bool is_enforced_on(const struct snapshot *snapshot,
			   const struct ip_addr *addr, enum direction dir)
{
	struct local_address local;

	return snapshot_find_local(snapshot, addr, &local) &&
	       local.isolated[dir];
}

/* Whether the rules divert it for policies that are enforced: as NETPOLD-DIVERT
   does (rules_text.c). */
static bool is_diverted(const struct snapshot *snapshot,
			enum packet_class class, const struct packet *packet)
{
	bool against = class == CLASS_REPLY || class == CLASS_RELATED_REPLY;

	return is_enforced_on(snapshot, &packet->src, DIRECTION_EGRESS) ||
	       is_enforced_on(snapshot, &packet->dst, DIRECTION_INGRESS) ||
	       (against &&
		(is_enforced_on(snapshot, &packet->dst, DIRECTION_EGRESS) ||
		 is_enforced_on(snapshot, &packet->src, DIRECTION_INGRESS)));
}

/* What cannot be read is denied, since it was diverted (L7). Where it was only
   diverted for what is staged, it passes (NP-8); which it was, is seen by its
   ends, if they can be read. */
static void spare_staged(const struct round *round, enum packet_class class,
			 const struct packet *packet, struct inquiry *inquiry)
{
	if (inquiry->note == NOTE_UNPARSABLE &&
	    snapshot_planned(round->snapshot) && packet->src.family &&
	    !is_diverted(round->snapshot, class, packet))
		inquiry->allowed = ANSWER_PASS;
}

/* Where somebody else wrote over our bits between our rule and the queue: as
   one that asks both ways, and false. */
static bool find_class(const struct worker *worker,
		       const struct queue_packet *queued,
		       enum packet_class *class)
{
	if (mark_to_class(worker->options.marks, queued->mark, class))
		return true;
	*class = CLASS_UNTRACKED;
	return false;
}

/* Also says of which flow it is, for which address the packet waits (IP_NONE:
   it does not), and what the flow log wants to know of it. */
static struct inquiry begin(struct worker *worker, const struct round *round,
			    const struct queue_packet *queued, uint64_t *flow,
			    struct ip_addr *waits_for, struct sight *sight)
{
	/* Packets that this node opens never come here (OWN-NODE). */
	enum node_part node = queued->hook == NF_INET_LOCAL_IN ? NODE_RECEIVES
							       : NODE_FORWARDS;
	enum packet_status status;
	enum packet_class class;
	struct inquiry inquiry;
	struct packet packet;

	waits_for->family = IP_NONE;
	if (!find_class(worker, queued, &class))
		round_count(worker, COUNTER_UNCLASSIFIED, 1);
	status = packet_parse(queued->data, queued->len, &packet);
	*flow = flow_of(worker, status, &packet, class);
	if (round->at_us)
		*sight = sight_of(class, status, &packet);
	inquiry = judge_begin(class, status, &packet, queued->data, queued->len,
			      node);
	spare_staged(round, class, &packet, &inquiry);
	/* Without a question the answer does not depend on pods. */
	if (round->unclaimed && inquiry.n_keys > 0)
		unclaimed_find(round->unclaimed, round->snapshot, &packet,
			       waits_for);
	return inquiry;
}

/* The questions of a batch; every packet has room for two answers. */
struct questions {
	struct flow_key keys[QUEUE_BATCH];
	uint8_t packets[QUEUE_BATCH]; /* whose they are */
	size_t n;
};

static void add_question(struct questions *questions,
			 const struct inquiry *inquiry, size_t key,
			 size_t packet)
{
	questions->keys[questions->n] = inquiry->keys[key];
	questions->packets[questions->n++] = (uint8_t)packet;
}

/* Of each packet, the answers to one of its questions: by what is enforced, and
   where something is staged, by that, too. */
struct answers {
	struct decision enforced[QUEUE_BATCH];
	struct decision planned[QUEUE_BATCH];
};

static void ask(struct worker *worker, const struct round *round,
		const struct questions *questions, struct answers *answers)
{
	const bool plans = snapshot_planned(round->snapshot) != NULL;
	struct decision enforced[QUEUE_BATCH], planned[QUEUE_BATCH];

	flow_cache_decide_both(worker->cache, round->snapshot, questions->keys,
			       questions->n, round->now_ms, enforced,
			       plans ? planned : NULL);
	for (size_t i = 0; i < questions->n; i++) {
		uint8_t packet = questions->packets[i];

		answers->enforced[packet] = enforced[i];
		if (plans)
			answers->planned[packet] = planned[i];
	}
}

static bool is_denied(const struct round *round, const struct answers *answers,
		      size_t packet)
{
	return answers->enforced[packet].verdict == VERDICT_DENY ||
	       (snapshot_planned(round->snapshot) &&
		answers->planned[packet].verdict == VERDICT_DENY);
}

static struct judgement conclude(const struct round *round,
				 const struct inquiry *inquiry,
				 const struct answers *first,
				 const struct answers *second, size_t packet)
{
	struct judgement judgement = judge_end(
		inquiry, &first->enforced[packet], &second->enforced[packet]);

	if (snapshot_planned(round->snapshot))
		judge_plan(inquiry, &first->planned[packet],
			   &second->planned[packet], &second->enforced[packet],
			   &judgement);
	return judgement;
}

/* For the flow log. Without room it is lost, and nobody waits. */
static void write_down(struct worker *worker, const struct round *round,
		       const struct queue_packet *packet,
		       const struct sight *sight,
		       const struct judgement *judgement)
{
	struct flow_event event =
		sight_to_event(sight, packet, judgement, round->at_us);

	event.is_audit = worker->copies;
	flow_ring_put(worker->options.events, &event);
}

void batch_give_up(struct worker *worker, const struct round *round,
		   const struct queue_packet *queued)
{
	const struct judgement judgement = { .answer = ANSWER_DENY,
					     .note = NOTE_UNCLAIMED };
	enum packet_class class;
	enum packet_status status;
	struct packet packet;
	struct sight sight;

	round_count(worker, COUNTER_DENIED, 1);
	queue_answer(worker->queue, queued->id, QUEUE_DROP, 0);
	if (!round->at_us)
		return;
	find_class(worker, queued, &class);
	status = packet_parse(queued->data, queued->len, &packet);
	sight = sight_of(class, status, &packet);
	write_down(worker, round, queued, &sight, &judgement);
}

/* All but those that wait for an address.
   @flows  of those that get an answer that marks; 0: it does not */
static void answer_all(struct worker *worker, const struct round *round,
		       const struct queue_packet *packets, size_t n,
		       const struct ip_addr *waits_for,
		       const struct judgement *judgements,
		       const uint64_t *flows, const struct sight *sights)
{
	struct onset *onset = worker->options.onset;
	bool may_mark[QUEUE_BATCH];

	for (size_t i = 0; i < n; i++)
		may_mark[i] = true;
	if (onset)
		onset_judge(onset, flows, n, (uint32_t)clock_us(), may_mark);
	for (size_t i = 0; i < n; i++) {
		if (waits_for[i].family)
			continue;
		answer_packet(worker, &packets[i], &judgements[i], may_mark[i],
			      round->now_ms);
		if (round->at_us)
			write_down(worker, round, &packets[i], &sights[i],
				   &judgements[i]);
	}
}

/* By its reasons, and by its policies where somebody wants to know them. */
static void count_verdict(struct worker *worker, enum verdict_mode mode,
			  const struct judgement *judgement)
{
	verdict_counts_add(&worker->verdicts, mode, judgement);
	if (worker->tally)
		tally_ring_put(worker->tally, mode, judgement);
}

/* What is audited counts as if all of it were enforced: beside what is, where
   it would be judged otherwise; in its place, where packets are only copied. */
static void count_verdicts(struct worker *worker,
			   const struct judgement *judgement)
{
	struct judgement planned;
	bool differs = verdict_plan(judgement, &planned);

	if (!worker->copies)
		count_verdict(worker, VERDICT_MODE_ENFORCE, judgement);
	if (worker->copies || differs)
		count_verdict(worker, VERDICT_MODE_AUDIT, &planned);
}

void batch_judge(struct worker *worker, const struct round *round,
		 const struct queue_packet *packets, size_t n,
		 const bool *unmarked, struct ip_addr *waits_for)
{
	struct answers first, second;
	struct questions questions = { .n = 0 };
	struct inquiry inquiries[QUEUE_BATCH];
	struct judgement judgements[QUEUE_BATCH];
	struct sight sights[QUEUE_BATCH];
	uint64_t flows[QUEUE_BATCH];

	for (size_t i = 0; i < n; i++) {
		inquiries[i] = begin(worker, round, &packets[i], &flows[i],
				     &waits_for[i], &sights[i]);
		if (inquiries[i].n_keys > 0 && !waits_for[i].family)
			add_question(&questions, &inquiries[i], 0, i);
	}
	ask(worker, round, &questions, &first);
	/* The reverse, of the few that were denied their own way. */
	questions.n = 0;
	for (size_t i = 0; i < n; i++) {
		if (inquiries[i].n_keys > 1 && !waits_for[i].family &&
		    is_denied(round, &first, i))
			add_question(&questions, &inquiries[i], 1, i);
	}
	if (questions.n > 0)
		ask(worker, round, &questions, &second);
	for (size_t i = 0; i < n; i++) {
		if (waits_for[i].family) {
			flows[i] = 0;
			continue;
		}
		judgements[i] =
			conclude(round, &inquiries[i], &first, &second, i);
		count_verdicts(worker, &judgements[i]);
		if (judgements[i].note == NOTE_UNPARSABLE)
			round_count(worker, COUNTER_UNPARSABLE, 1);
		if (judgements[i].answer != ANSWER_DENY && unmarked &&
		    unmarked[i])
			judgements[i].answer = ANSWER_PASS;
		if (judgements[i].answer != ANSWER_ALLOW)
			flows[i] = 0;
	}
	answer_all(worker, round, packets, n, waits_for, judgements, flows,
		   sights);
}

void batch_send(struct worker *worker, uint64_t n)
{
	if (worker->queue && queue_send(worker->queue) < 0)
		round_count(worker, COUNTER_UNANSWERED, n);
}
