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
 * the first packet of a flow that does so. Where more of its packets may come
 * at the same time, from another CPU, it is a later one (netpold/onset.h).
 *
 * Where netpold only audits, the batch is one of copies (copies.h), and an
 * answer is a count: all between is the same.
 *
 * A packet of an address that no pod claims gets no answer yet: it is held
 * (held.h), and what comes after it goes on. It is looked at again by the next
 * snapshot, before anything that came later: no packet of a flow is judged
 * before an earlier one, since all of such a flow come to one worker, whatever
 * CPU they are on (datapath/rules_text.c).
 */
#include "datapath/round.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "netpold/flow_cache.h"

#include "clock.h"
#include "current.h"
#include "datapath/batch.h"
#include "datapath/copies.h"
#include "datapath/held.h"
#include "datapath/queue.h"
#include "datapath/unclaimed.h"
#include "datapath/worker_parts.h"
#include "fault.h"
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

/* ---- what is held ------------------------------------------------------- */

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
		batch_give_up(worker, round, &packets[i]);
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
		batch_judge(worker, round, packets, n, followed, waits_for);
		for (size_t i = 0; i < n; i++)
			stays[i] = waits_for[i].family;
		n_stay = held_sort_out(worker->held, from, stays, n);
		round_count(worker, COUNTER_RELEASED, n - n_stay);
		batch_send(worker, n - n_stay);
		from += n_stay;
	}
}

static void expire(struct worker *worker, const struct round *round)
{
	struct queue_packet packets[QUEUE_BATCH];
	size_t n;

	while ((n = held_expire(worker->held, round->now_ms, packets,
				QUEUE_BATCH)) > 0) {
		for (size_t i = 0; i < n; i++)
			batch_give_up(worker, round, &packets[i]);
		round_count(worker, COUNTER_TIMED_OUT, n);
		batch_send(worker, n);
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
	expire(worker, round);
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
	batch_send(worker, n);
	if (in_section)
		rcu_section_end();
}

static bool is_written_down(const struct worker *worker)
{
	const struct flow_ring *events = worker->options.events;

	return events && flow_ring_is_read(events);
}

static struct round begin_round(const struct worker *worker)
{
	rcu_section_begin();
	return (struct round){
		.snapshot = current_load(),
		.unclaimed = atomic_load_explicit(&worker->unclaimed,
						  memory_order_acquire),
		.now_ms = clock_coarse_ms(),
		.at_us = is_written_down(worker)
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
	batch_judge(worker, &round, packets, (size_t)n, NULL, waits_for);
	hold(worker, &round, packets, (size_t)n, waits_for);
	send_answers(worker, (uint64_t)n);
	note_latency(worker, received_us, n);
	show_counts(worker);
	answer_asker(worker, asked, n);
	return 1;
}
