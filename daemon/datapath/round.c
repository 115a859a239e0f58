/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One round of a worker:
 *
 *	receive a batch
 *	enter a read-side section, load the snapshot
 *	  look at what is held, if the snapshot is another
 *	  parse each packet, and see what it has to ask
 *	  answer all questions, from the flow cache or from the snapshot
 *	  write down each packet's answer, and what the flow log wants to know
 *	  send all answers
 *	leave the section
 *
 * The section ends after the answers are sent, not before: whoever replaces the
 * snapshot waits for the section's end and then looks at the connections that
 * are marked. A verdict still on its way would mark one behind his back.
 *
 * How an answer becomes a mark: the packet is repeated with the answer in its
 * mark; the rules save it to the connection (datapath/rules_text.c), and where
 * it holds for later flows, too, to a set of answers (datapath/recall.h). It is
 *the first packet of a flow that does so. Where more of its packets may come at
 * the same time, from another CPU, it is a later one (netpold/onset.h).
 *
 * Where netpold only audits, the batch is one of copies (copies.h), and an
 *answer is a count: all between is the same.
 *
 * A packet of an address that no pod claims gets no answer yet: it is held
 * (held.h), and what comes after it goes on. It is looked at again by the next
 * snapshot, before anything that came later: no packet of a flow is judged
 * before an earlier one, since all of such a flow come to one worker, whatever
 * CPU they are on (datapath/rules_text.c).
 */
#include "datapath/round.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "netpold/flow_cache.h"
#include "netpold/judge.h"
#include "netpold/onset.h"

#include "clock.h"
#include "current.h"
#include "datapath/copies.h"
#include "datapath/held.h"
#include "datapath/mark.h"
#include "datapath/memo_ring.h"
#include "datapath/queue.h"
#include "datapath/reject.h"
#include "datapath/sight.h"
#include "datapath/tally_ring.h"
#include "datapath/unclaimed.h"
#include "datapath/verdict_counts.h"
#include "datapath/worker_parts.h"
#include "fault.h"
#include "flowlog/flow_event.h"
#include "flowlog/flow_ring.h"
#include "observe/histogram.h"
#include "rcu.h"

/* One writer: a plain addition, made visible as a whole. */
void round_count(struct worker *worker, enum counter counter, uint64_t n)
{
	_Atomic uint64_t *c = &worker->counters[counter];

	atomic_store_explicit(c,
			      atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* Where it can be read, and there is somebody to tell. */
static void tell_sender(struct worker *worker,
			const struct queue_packet *queued, uint32_t now_ms)
{
	enum packet_status status;
	struct packet packet;

	if (!worker->reject)
		return;
	status = packet_parse(queued->data, queued->len, &packet);
	if ((status == PACKET_OK || status == PACKET_FRAGMENT) &&
	    reject_packet(worker->reject, queued->data, queued->len, &packet,
			  now_ms))
		round_count(worker, COUNTER_REJECTED, 1);
}

/* The cache counts for itself, plainly; others see that once a round. */
static void show_cache_counts(struct worker *worker)
{
	struct flow_cache_counts now = flow_cache_counts(worker->cache);

	atomic_store_explicit(&worker->counters[COUNTER_CACHE_HITS], now.hits,
			      memory_order_relaxed);
	atomic_store_explicit(&worker->counters[COUNTER_CACHE_MISSES],
			      now.misses, memory_order_relaxed);
	atomic_store_explicit(&worker->counters[COUNTER_CACHE_EVICTIONS],
			      now.evictions, memory_order_relaxed);
}

/* Before the section ends: a sweep must know what there may be to find. */
static void count_allowed(struct worker *worker,
			  const struct queue_packet *packet)
{
	round_count(worker, COUNTER_ALLOWED, 1);
	if (packet->len > 0 && packet->data[0] >> 4 == 6)
		round_count(worker, COUNTER_ALLOWED_IPV6, 1);
}

/* It is written down before the verdict is sent. Who rests leaves it to the one
   that judges instead. */
static bool is_remembered(struct worker *worker,
			  const struct judgement *judgement)
{
	return judgement->memorable && !orders_resting(&worker->orders) &&
	       memo_ring_put(worker->options.answers, &judgement->key,
			     judgement->decision.verdict);
}

/* Of what was only copied, and has gone on long ago. */
static void count_copy(struct worker *worker, const struct queue_packet *packet,
		       enum answer answer)
{
	switch (answer) {
	case ANSWER_DENY:
		round_count(worker, COUNTER_DENIED, 1);
		return;
	case ANSWER_PASS:
		round_count(worker, COUNTER_PASSED, 1);
		return;
	case ANSWER_ALLOW_PICKED_UP:
		round_count(worker, COUNTER_PICKED_UP, 1);
		count_allowed(worker, packet);
		return;
	case ANSWER_ALLOW:
		count_allowed(worker, packet);
		return;
	}
}

/* @may_mark  none of its flow waits behind it (netpold/onset.h) */
static void answer(struct worker *worker, const struct queue_packet *packet,
		   const struct judgement *judgement, bool may_mark,
		   uint32_t now_ms)
{
	const struct mark_layout *marks = worker->options.marks;
	uint32_t cleared = mark_replace(marks, packet->mark, 0);
	bool allowed = judgement->answer == ANSWER_ALLOW ||
		       judgement->answer == ANSWER_ALLOW_PICKED_UP;

	if (worker->copies) {
		count_copy(worker, packet, judgement->answer);
		return;
	}
	if (allowed && orders_resting(&worker->orders)) {
		round_count(worker, COUNTER_PASSED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_ACCEPT, cleared);
		return;
	}
	switch (judgement->answer) {
	case ANSWER_DENY:
		round_count(worker, COUNTER_DENIED, 1);
		tell_sender(worker, packet, now_ms);
		if (is_remembered(worker, judgement))
			queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
				     cleared | marks->denied);
		else
			queue_answer(worker->queue, packet->id, QUEUE_DROP, 0);
		return;
	case ANSWER_PASS:
		round_count(worker, COUNTER_PASSED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_ACCEPT, cleared);
		return;
	case ANSWER_ALLOW:
		count_allowed(worker, packet);
		if (may_mark)
			queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
				     cleared | (is_remembered(worker, judgement)
							? marks->remember
							: marks->allowed));
		else
			queue_answer(worker->queue, packet->id, QUEUE_ACCEPT,
				     cleared);
		return;
	case ANSWER_ALLOW_PICKED_UP:
		count_allowed(worker, packet);
		round_count(worker, COUNTER_PICKED_UP, 1);
		queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
			     cleared | marks->picked_up);
		return;
	}
}

/* ---- a batch ------------------------------------------------------------ */

/* What a round judges by. */
struct round {
	const struct snapshot *snapshot;
	const struct unclaimed *unclaimed; /* NULL: nobody's are held */
	uint32_t now_ms;
	int64_t at_us; /* Unix time, of events; 0: none are written */
};

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
			   const struct ip_addr *addr)
{
	struct local_address local;

	return snapshot_find_local(snapshot, addr, &local) &&
	       (local.isolated[DIRECTION_EGRESS] ||
		local.isolated[DIRECTION_INGRESS]);
}

/* What cannot be read is denied, since it was diverted (L7). Where it was only
   diverted for what is staged, it passes (NP-8); which it was, is seen by its
   ends, if they can be read. */
static void spare_staged(const struct round *round, const struct packet *packet,
			 struct inquiry *inquiry)
{
	if (inquiry->note == NOTE_UNPARSABLE &&
	    snapshot_planned(round->snapshot) && packet->src.family &&
	    !is_enforced_on(round->snapshot, &packet->src) &&
	    !is_enforced_on(round->snapshot, &packet->dst))
		inquiry->allowed = ANSWER_PASS;
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
	/* Somebody else wrote over our bits between our rule and the queue:
	   ask both ways and remember nothing. */
	if (!mark_to_class(worker->options.marks, queued->mark, &class)) {
		round_count(worker, COUNTER_UNCLASSIFIED, 1);
		class = CLASS_UNTRACKED;
	}
	status = packet_parse(queued->data, queued->len, &packet);
	*flow = flow_of(worker, status, &packet, class);
	if (worker->options.events)
		*sight = sight_of(class, status, &packet);
	inquiry = judge_begin(class, status, &packet, queued->data, queued->len,
			      node);
	spare_staged(round, &packet, &inquiry);
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
			   &second->planned[packet], &judgement);
	return judgement;
}

/* For the flow log. Without room it is lost, and nobody waits. */
static void write_down(struct worker *worker, const struct round *round,
		       const struct queue_packet *packet,
		       const struct sight *sight,
		       const struct judgement *judgement)
{
	struct flow_event event =
		sight_to_event(sight, packet, judgement, round->at_us,
			       snapshot_number(round->snapshot));

	event.is_audit = worker->copies;
	flow_ring_put(worker->options.events, &event);
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
		answer(worker, &packets[i], &judgements[i], may_mark[i],
		       round->now_ms);
		if (worker->options.events)
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
   something is staged; in its place, where packets are only copied. */
static void count_verdicts(struct worker *worker, const struct round *round,
			   const struct judgement *judgement)
{
	struct judgement planned = *judgement;

	if (!worker->copies)
		count_verdict(worker, VERDICT_MODE_ENFORCE, judgement);
	if (!worker->copies && !snapshot_planned(round->snapshot))
		return;
	planned.decision = judgement->planned;
	count_verdict(worker, VERDICT_MODE_AUDIT, &planned);
}

/* All but those that wait for an address: the others are answered. Those in
   @unmarked, where there is such a list, leave their flow without a mark. */
static void judge(struct worker *worker, const struct round *round,
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
		count_verdicts(worker, round, &judgements[i]);
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

static void send_written(struct worker *worker, uint64_t n)
{
	if (worker->queue && queue_send(worker->queue) < 0)
		round_count(worker, COUNTER_UNANSWERED, n);
}

/* ---- what is held ------------------------------------------------------- */

/* Nobody is told: perhaps it will be allowed when it is sent again. */
static void drop(struct worker *worker, uint32_t id)
{
	round_count(worker, COUNTER_DENIED, 1);
	queue_answer(worker->queue, id, QUEUE_DROP, 0);
}

/* Those of a batch that wait for an address. */
static void hold(struct worker *worker, const struct round *round,
		 const struct queue_packet *packets, size_t n,
		 const struct ip_addr *waits_for)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t hold_ms;

		if (!waits_for[i].family)
			continue;
		hold_ms = round->unclaimed->hold_ms;
		if (hold_ms > 0 &&
		    held_add(worker->held, &packets[i], &waits_for[i],
			     round->now_ms + hold_ms))
			continue;
		round_count(worker, COUNTER_OVERFLOWED, hold_ms > 0);
		drop(worker, packets[i].id);
	}
}

/*
 * What is held, by what is current now.
 *
 * The mark of a flow lets go of all that follows, past what is still on its way
 * out of here. So only the last packet of an address leaves one; a flow that
 * has none yet asks again.
 */
static void release(struct worker *worker, const struct round *round)
{
	struct queue_packet packets[QUEUE_BATCH];
	struct ip_addr waits_for[QUEUE_BATCH];
	bool stays[QUEUE_BATCH], followed[QUEUE_BATCH];
	size_t from = 0, n;

	while ((n = held_look(worker->held, from, packets, QUEUE_BATCH)) > 0) {
		size_t n_stay;

		for (size_t i = 0; i < n; i++)
			followed[i] = held_is_followed(worker->held, from + i);
		judge(worker, round, packets, n, followed, waits_for);
		for (size_t i = 0; i < n; i++)
			stays[i] = waits_for[i].family;
		n_stay = held_sort_out(worker->held, from, stays, n);
		round_count(worker, COUNTER_RELEASED, n - n_stay);
		send_written(worker, n - n_stay);
		from += n_stay;
	}
}

static void expire(struct worker *worker, uint32_t now_ms)
{
	uint32_t ids[QUEUE_BATCH];
	size_t n;

	while ((n = held_expire(worker->held, now_ms, ids, QUEUE_BATCH)) > 0) {
		for (size_t i = 0; i < n; i++)
			drop(worker, ids[i]);
		round_count(worker, COUNTER_TIMED_OUT, n);
		send_written(worker, n);
	}
}

/* Whether anything is not what it was a round ago. Snapshots of one compiler
   have numbers that grow; after one that has none of its own (a pause, a start)
   the cache would take one for another. */
static bool see_news(struct worker *worker, const struct round *round)
{
	uint64_t number = snapshot_number(round->snapshot);
	bool another = worker->seen_snapshot != round->snapshot ||
		       worker->seen_number != number;
	bool news = another || worker->seen_unclaimed != round->unclaimed;

	if (another && number <= worker->seen_number)
		flow_cache_forget(worker->cache);
	worker->seen_snapshot = round->snapshot;
	worker->seen_number = number;
	worker->seen_unclaimed = round->unclaimed;
	return news;
}

/* The first thing in a round. */
static void look_at_held(struct worker *worker, const struct round *round,
			 bool is_told)
{
	if (see_news(worker, round) || is_told)
		release(worker, round);
	expire(worker, round->now_ms);
}

static bool is_asked(const struct worker *worker, unsigned int asked)
{
	return asked !=
	       atomic_load_explicit(&worker->done, memory_order_relaxed);
}

static void report_done(struct worker *worker, unsigned int asked)
{
	uint64_t one = 1;

	/* Pairs with is_done() of worker.c. */
	atomic_store_explicit(&worker->done, asked, memory_order_release);
	if (write(worker->done_fd, &one, sizeof(one)) < 0)
		return; /* who waits is woken already */
}

/* After a round's answers were sent. The round that hears of it has released
   what was held; those after it empty the queue of what has come before. */
static void answer_asker(struct worker *worker, unsigned int asked, int n)
{
	if (!is_asked(worker, asked))
		return;
	if (worker->heard != asked) {
		worker->heard = asked;
		worker->rounds_to_go = QUEUE_MAX_LEN / QUEUE_BATCH;
	} else if (n < QUEUE_BATCH || --worker->rounds_to_go == 0) {
		report_done(worker, asked);
	}
}

/* ---- a round ------------------------------------------------------------ */

/* And then the section ends, not before. */
static void send_answers(struct worker *worker, uint64_t n)
{
	bool in_section = fault_stands("section");

	if (!in_section)
		rcu_section_end();
	fault_delay("verdict");
	send_written(worker, n);
	if (in_section)
		rcu_section_end();
}

static struct round begin_round(const struct worker *worker)
{
	rcu_section_begin();
	return (struct round){
		.snapshot = current_load(),
		.unclaimed = atomic_load_explicit(&worker->unclaimed,
						  memory_order_acquire),
		.now_ms = clock_coarse_ms(),
		.at_us = worker->options.events
				 ? clock_read_us(CLOCK_REALTIME_COARSE)
				 : 0,
	};
}

/* Of the cache and of what is held, which count for themselves, plainly. */
static void show_counts(struct worker *worker)
{
	show_cache_counts(worker);
	/* Pairs with worker_count(). */
	atomic_store_explicit(&worker->counters[COUNTER_HOLDING],
			      held_count(worker->held), memory_order_release);
}

/* As queue_receive(). */
static int receive(struct worker *worker, struct queue_packet *packets)
{
	uint64_t n_lost;
	int n;

	if (!worker->copies)
		return queue_receive(worker->queue, packets);
	n = copies_receive(worker->copies, packets, &n_lost);
	round_count(worker, COUNTER_LOST, n_lost);
	return n;
}

/* All of a batch wait for its end. A clock is read twice a round, which is 50
   ns for up to QUEUE_BATCH packets. */
static void note_latency(struct worker *worker, int64_t received_us, int n)
{
	if (n > 0)
		histogram_observe_many(&worker->latency,
				       clock_us() - received_us, (uint64_t)n);
}

int round_run(struct worker *worker)
{
	/* Pairs with worker_ask(): what is current was made so before. */
	unsigned int asked =
		atomic_load_explicit(&worker->asked, memory_order_acquire);
	struct queue_packet packets[QUEUE_BATCH];
	struct ip_addr waits_for[QUEUE_BATCH];
	int n = receive(worker, packets);
	struct round round;
	int64_t received_us;

	if (n == -ENOBUFS) {
		round_count(worker, COUNTER_OVERRUNS, 1);
		return 1;
	}
	if (n <= 0 && !is_asked(worker, asked) &&
	    held_wait_ms(worker->held, clock_coarse_ms()) != 0)
		return 0;
	n = n < 0 ? 0 : n;
	received_us = n > 0 ? clock_us() : 0;
	round_count(worker, COUNTER_PACKETS, (uint64_t)n);
	if (held_count(worker->held) > 0)
		fault_delay("release");
	round = begin_round(worker);
	look_at_held(worker, &round, worker->heard != asked);
	judge(worker, &round, packets, (size_t)n, NULL, waits_for);
	hold(worker, &round, packets, (size_t)n, waits_for);
	send_answers(worker, (uint64_t)n);
	note_latency(worker, received_us, n);
	show_counts(worker);
	answer_asker(worker, asked, n);
	return 1;
}
