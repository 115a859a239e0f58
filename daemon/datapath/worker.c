/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One round of a worker:
 *
 *	receive a batch
 *	enter a read-side section, load the snapshot
 *	  parse each packet, and see what it has to ask
 *	  answer all questions, from the flow cache or from the snapshot
 *	  write down each packet's answer, send all answers
 *	leave the section
 *
 * The section ends after the answers are sent, not before: whoever replaces the
 * snapshot waits for the section's end and then looks at the connections that
 * are marked. A verdict still on its way would mark one behind his back.
 *
 * How an answer becomes a mark: the packet is repeated with the answer in its
 * mark; the rules save it to the connection (datapath/rules_text.c). It is the
 * first packet of a flow that does so. Where more of its packets may come at
 *the same time, from another CPU, it is a later one (netpold/onset.h).
 *
 * Where nothing waits, a worker sleeps until something does. Waking up costs
 * the first packet of a flow some 20 us. While packets come one soon after the
 * other (--poll-us), it looks again for that long before it sleeps.
 */
#include "datapath/worker.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "netpold/flow_cache.h"
#include "netpold/judge.h"
#include "netpold/onset.h"

#include "clock.h"
#include "current.h"
#include "datapath/mark.h"
#include "datapath/orders.h"
#include "datapath/queue.h"
#include "datapath/reject.h"
#include "fault.h"
#include "rcu.h"

/* Enough rounds to empty a queue that is full. */
#define LAST_ROUNDS (2 * QUEUE_MAX_LEN / QUEUE_BATCH)

enum counter {
	COUNTER_PACKETS,
	COUNTER_ALLOWED,
	COUNTER_ALLOWED_IPV6,
	COUNTER_PICKED_UP,
	COUNTER_PASSED,
	COUNTER_DENIED,
	COUNTER_UNPARSABLE,
	COUNTER_UNCLASSIFIED,
	COUNTER_UNANSWERED,
	COUNTER_OVERRUNS,
	COUNTER_REJECTED,
	COUNTER_CACHE_HITS,
	COUNTER_CACHE_MISSES,
	COUNTER_CACHE_EVICTIONS,
	N_COUNTERS,
};

struct worker {
	/* set before the thread starts */
	struct worker_options options;
	struct queue *queue;
	struct reject *reject; /* NULL: what is denied is dropped in silence */
	pthread_t thread;
	/* owning worker only */
	struct flow_cache *cache;
	/* written by the controller, read by the thread */
	struct orders orders;
	/* written by the thread, read by any */
	_Atomic uint64_t counters[N_COUNTERS];
};

/* One writer: a plain addition, made visible as a whole. */
static void count(struct worker *worker, enum counter counter, uint64_t n)
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
		count(worker, COUNTER_REJECTED, 1);
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
	count(worker, COUNTER_ALLOWED, 1);
	if (packet->len > 0 && packet->data[0] >> 4 == 6)
		count(worker, COUNTER_ALLOWED_IPV6, 1);
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

	if (allowed && orders_resting(&worker->orders)) {
		count(worker, COUNTER_PASSED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_ACCEPT, cleared);
		return;
	}
	switch (judgement->answer) {
	case ANSWER_DENY:
		count(worker, COUNTER_DENIED, 1);
		tell_sender(worker, packet, now_ms);
		queue_answer(worker->queue, packet->id, QUEUE_DROP, 0);
		return;
	case ANSWER_PASS:
		count(worker, COUNTER_PASSED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_ACCEPT, cleared);
		return;
	case ANSWER_ALLOW:
		count_allowed(worker, packet);
		if (may_mark)
			queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
				     cleared | marks->allowed);
		else
			queue_answer(worker->queue, packet->id, QUEUE_ACCEPT,
				     cleared);
		return;
	case ANSWER_ALLOW_PICKED_UP:
		count_allowed(worker, packet);
		count(worker, COUNTER_PICKED_UP, 1);
		queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
			     cleared | marks->picked_up);
		return;
	}
}

/* ---- a batch ------------------------------------------------------------ */

/* As onset_flow(). */
static uint64_t flow_of(const struct worker *worker, enum packet_status status,
			const struct packet *packet, enum packet_class class)
{
	const struct onset *onset = worker->options.onset;

	return onset && status == PACKET_OK
		       ? onset_flow(onset, packet, class == CLASS_REPLY)
		       : 0;
}

static struct inquiry begin(struct worker *worker,
			    const struct queue_packet *queued, uint64_t *flow)
{
	/* Packets that this node opens never come here (OWN-NODE). */
	enum node_part node = queued->hook == NF_INET_LOCAL_IN ? NODE_RECEIVES
							       : NODE_FORWARDS;
	enum packet_status status;
	enum packet_class class;
	struct packet packet;

	/* Somebody else wrote over our bits between our rule and the queue:
	   ask both ways and remember nothing. */
	if (!mark_to_class(worker->options.marks, queued->mark, &class)) {
		count(worker, COUNTER_UNCLASSIFIED, 1);
		class = CLASS_UNTRACKED;
	}
	status = packet_parse(queued->data, queued->len, &packet);
	*flow = flow_of(worker, status, &packet, class);
	return judge_begin(class, status, &packet, queued->data, queued->len,
			   node);
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

static void ask(struct worker *worker, const struct snapshot *snapshot,
		const struct questions *questions, uint32_t now_ms,
		struct decision *decisions)
{
	struct decision answers[QUEUE_BATCH];

	flow_cache_decide_batch(worker->cache, snapshot, questions->keys,
				questions->n, now_ms, answers);
	for (size_t i = 0; i < questions->n; i++)
		decisions[questions->packets[i]] = answers[i];
}

/* @flows  of the packets, of which those count that get an answer that marks */
static void answer_all(struct worker *worker,
		       const struct queue_packet *packets,
		       const struct judgement *judgements, uint64_t *flows,
		       size_t n, uint32_t now_ms)
{
	struct onset *onset = worker->options.onset;
	bool may_mark[QUEUE_BATCH];

	for (size_t i = 0; i < n; i++) {
		may_mark[i] = true;
		if (judgements[i].answer != ANSWER_ALLOW)
			flows[i] = 0;
	}
	if (onset)
		onset_judge(onset, flows, n, (uint32_t)clock_us(), may_mark);
	for (size_t i = 0; i < n; i++)
		answer(worker, &packets[i], &judgements[i], may_mark[i],
		       now_ms);
}

static void judge(struct worker *worker, const struct snapshot *snapshot,
		  const struct queue_packet *packets, size_t n, uint32_t now_ms)
{
	struct decision first[QUEUE_BATCH], second[QUEUE_BATCH];
	struct judgement judgements[QUEUE_BATCH];
	struct questions questions = { .n = 0 };
	struct inquiry inquiries[QUEUE_BATCH];
	uint64_t flows[QUEUE_BATCH];

	for (size_t i = 0; i < n; i++) {
		inquiries[i] = begin(worker, &packets[i], &flows[i]);
		if (inquiries[i].n_keys > 0)
			add_question(&questions, &inquiries[i], 0, i);
	}
	ask(worker, snapshot, &questions, now_ms, first);
	/* The reverse, of the few that were denied their own way. */
	questions.n = 0;
	for (size_t i = 0; i < n; i++) {
		if (inquiries[i].n_keys > 1 && first[i].verdict == VERDICT_DENY)
			add_question(&questions, &inquiries[i], 1, i);
	}
	if (questions.n > 0)
		ask(worker, snapshot, &questions, now_ms, second);
	for (size_t i = 0; i < n; i++) {
		judgements[i] = judge_end(&inquiries[i], &first[i], &second[i]);
		if (judgements[i].note == NOTE_UNPARSABLE)
			count(worker, COUNTER_UNPARSABLE, 1);
	}
	answer_all(worker, packets, judgements, flows, n, now_ms);
}

/* And then the section ends, not before. */
static void send_answers(struct worker *worker, uint64_t n)
{
	bool in_section = fault_stands("section");

	if (!in_section)
		rcu_section_end();
	fault_delay("verdict");
	if (queue_send(worker->queue) < 0)
		count(worker, COUNTER_UNANSWERED, n);
	if (in_section)
		rcu_section_end();
}

/* Returns how many packets came; 0 when nothing waits. */
static int run_round(struct worker *worker)
{
	struct queue_packet packets[QUEUE_BATCH];
	int n = queue_receive(worker->queue, packets);

	if (n == -ENOBUFS) {
		count(worker, COUNTER_OVERRUNS, 1);
		return 1;
	}
	if (n <= 0)
		return 0;
	count(worker, COUNTER_PACKETS, (uint64_t)n);
	rcu_section_begin();
	judge(worker, current_load(), packets, (size_t)n, clock_coarse_ms());
	send_answers(worker, (uint64_t)n);
	show_cache_counts(worker);
	return n;
}

/* ---- the thread --------------------------------------------------------- */

/* How long the gaps between packets have been of late. */
struct pace {
	int64_t last_us; /* when a packet came last */
	int64_t gap_us;	 /* a mean in which the last gap counts an eighth */
};

static void pace_note(struct pace *pace, int64_t now_us)
{
	pace->gap_us += (now_us - pace->last_us - pace->gap_us) / 8;
	pace->last_us = now_us;
}

/* Look again for as long as one of the short gaps may last. Returns true when
   something came. */
static bool look_again(struct worker *worker, struct pace *pace)
{
	int64_t poll_us = worker->options.poll_us;

	if (poll_us == 0 || pace->gap_us > poll_us)
		return false;
	while (clock_us() - pace->last_us < poll_us) {
		if (run_round(worker)) {
			pace_note(pace, clock_us());
			return true;
		}
	}
	return false;
}

/* Between two rounds, when all is answered. Returns false at the end. */
static bool obey(struct worker *worker)
{
	bool goes_on = orders_obey(&worker->orders);
	uint32_t last_id;

	if (orders_take_reclaim(&worker->orders, &last_id) &&
	    queue_reclaim(worker->queue, last_id) < 0)
		count(worker, COUNTER_UNANSWERED, 1);
	return goes_on;
}

static void *run(void *ctx)
{
	struct worker *worker = ctx;
	struct pace pace = { .gap_us = INT32_MAX };
	int n_rounds = LAST_ROUNDS;
	struct pollfd fds[] = {
		{ .fd = queue_fd(worker->queue), .events = POLLIN },
		{ .fd = worker->orders.wake_fd, .events = POLLIN },
	};

	rcu_thread_begin();
	while (!orders_pending(&worker->orders) || obey(worker)) {
		if (run_round(worker)) {
			if (worker->options.poll_us)
				pace_note(&pace, clock_us());
		} else if (!look_again(worker, &pace)) {
			poll(fds, 2, -1);
			if (fds[1].revents)
				orders_woken(&worker->orders);
		}
	}
	/* What waits now gets its verdict, unless that is somebody else's to
	   give; what keeps coming does not keep us from stopping. */
	if (orders_resting(&worker->orders))
		n_rounds = 0;
	for (int i = 0; i < n_rounds && run_round(worker); i++)
		;
	rcu_thread_end();
	return NULL;
}

/* A CPU that is not ours to use is no reason not to judge. */
static void pin(pthread_attr_t *attr, unsigned int cpu)
{
	cpu_set_t allowed, wanted;

	CPU_ZERO(&wanted);
	CPU_SET(cpu, &wanted);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0 &&
	    CPU_ISSET(cpu, &allowed))
		pthread_attr_setaffinity_np(attr, sizeof(wanted), &wanted);
}

static void worker_release(struct worker **worker)
{
	struct worker *w = *worker;

	if (!w)
		return;
	queue_close(w->queue);
	reject_close(w->reject);
	flow_cache_free(w->cache);
	orders_release(&w->orders);
	if (w->options.inherited_fd >= 0)
		close(w->options.inherited_fd);
	free(w);
}

static int open_queue(struct worker *worker, struct err *err)
{
	const struct queue_options *options = &worker->options.queue;
	int inherited = worker->options.inherited_fd;

	if (inherited < 0)
		return queue_open(options, &worker->queue, err);
	worker->options.inherited_fd = -1;
	return queue_adopt(options, inherited, &worker->queue, err);
}

static int prepare(struct worker *worker, struct err *err)
{
	struct flow_cache_options cache = { .n_places = 0 };

	if (getrandom(cache.hash_key, sizeof(cache.hash_key), 0) !=
	    sizeof(cache.hash_key))
		return err_set(err, -errno, "cannot draw a random key: %s",
			       strerror(errno));
	worker->cache = flow_cache_new(&cache);
	if (!worker->cache)
		return err_set(err, -ENOMEM, "no memory for a flow cache");
	if (worker->options.reject) {
		int r = reject_open(worker->options.marks->bypass,
				    &worker->reject, err);

		if (r < 0)
			return r;
	}
	return open_queue(worker, err);
}

int worker_start(const struct worker_options *options, struct worker **out,
		 struct err *err)
{
	CLEANUP(worker_release) struct worker *worker = NULL;
	pthread_attr_t attr;
	int r;

	worker = calloc(1, sizeof(*worker));
	if (!worker) {
		close(options->inherited_fd);
		return err_set(err, -ENOMEM, "no memory for a worker");
	}
	worker->options = *options;
	r = orders_init(&worker->orders, err);
	if (r == 0)
		r = prepare(worker, err);
	if (r < 0)
		return r;
	pthread_attr_init(&attr);
	pin(&attr, options->cpu);
	r = pthread_create(&worker->thread, &attr, run, worker);
	pthread_attr_destroy(&attr);
	if (r)
		return err_set(err, -r, "cannot start a worker: %s",
			       strerror(r));
	*out = worker;
	worker = NULL;
	return 0;
}

/* ---- orders ------------------------------------------------------------- */

int worker_queue_fd(const struct worker *worker)
{
	return queue_fd(worker->queue);
}

void worker_rest(struct worker *worker)
{
	orders_rest(&worker->orders);
}

int worker_await_rest(const struct worker *worker, int patience_ms)
{
	return orders_await_rest(&worker->orders, patience_ms);
}

void worker_go_on(struct worker *worker)
{
	orders_go_on(&worker->orders);
}

void worker_reclaim(struct worker *worker, uint32_t last_id)
{
	orders_reclaim(&worker->orders, last_id);
}

void worker_stop(struct worker *worker)
{
	if (!worker)
		return;
	orders_stop(&worker->orders);
	pthread_join(worker->thread, NULL);
	worker_release(&worker);
}

void worker_count(const struct worker *worker, struct worker_counters *sum)
{
	uint64_t now[N_COUNTERS];

	for (int i = 0; i < N_COUNTERS; i++)
		now[i] = atomic_load_explicit(&worker->counters[i],
					      memory_order_relaxed);
	sum->packets += now[COUNTER_PACKETS];
	sum->allowed += now[COUNTER_ALLOWED];
	sum->allowed_ipv6 += now[COUNTER_ALLOWED_IPV6];
	sum->picked_up += now[COUNTER_PICKED_UP];
	sum->passed += now[COUNTER_PASSED];
	sum->denied += now[COUNTER_DENIED];
	sum->unparsable += now[COUNTER_UNPARSABLE];
	sum->unclassified += now[COUNTER_UNCLASSIFIED];
	sum->unanswered += now[COUNTER_UNANSWERED];
	sum->overruns += now[COUNTER_OVERRUNS];
	sum->rejected += now[COUNTER_REJECTED];
	sum->cache_hits += now[COUNTER_CACHE_HITS];
	sum->cache_misses += now[COUNTER_CACHE_MISSES];
	sum->cache_evictions += now[COUNTER_CACHE_EVICTIONS];
}
