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
 * mark; the rules save it to the connection (datapath/rules_text.c), and where
 * it holds for later flows, too, to a set of answers (datapath/recall.h).
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
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "netpold/flow_cache.h"
#include "netpold/judge.h"

#include "clock.h"
#include "current.h"
#include "datapath/memo_ring.h"
#include "datapath/mark.h"
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
	int stop_fd; /* wakes the thread for stopping */
	/* owning worker only */
	struct flow_cache *cache;
	/* written by the controller, read by the thread */
	atomic_bool stopping;
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

/* It is written down before the verdict is sent. */
static bool is_remembered(struct worker *worker,
			  const struct judgement *judgement)
{
	return judgement->memorable &&
	       memo_ring_put(worker->options.answers, &judgement->key,
			     judgement->decision.verdict);
}

static void answer(struct worker *worker, const struct queue_packet *packet,
		   const struct judgement *judgement, uint32_t now_ms)
{
	const struct mark_layout *marks = worker->options.marks;
	uint32_t cleared = mark_replace(marks, packet->mark, 0);

	switch (judgement->answer) {
	case ANSWER_DENY:
		count(worker, COUNTER_DENIED, 1);
		tell_sender(worker, packet, now_ms);
		if (is_remembered(worker, judgement))
			queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
				     cleared | marks->denied);
		else
			queue_answer(worker->queue, packet->id, QUEUE_DROP, 0);
		return;
	case ANSWER_PASS:
		count(worker, COUNTER_PASSED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_ACCEPT, cleared);
		return;
	case ANSWER_ALLOW:
		count_allowed(worker, packet);
		queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
			     cleared | (is_remembered(worker, judgement)
						? marks->remember
						: marks->allowed));
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

static struct inquiry begin(struct worker *worker,
			    const struct queue_packet *queued)
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

static void judge(struct worker *worker, const struct snapshot *snapshot,
		  const struct queue_packet *packets, size_t n, uint32_t now_ms)
{
	struct decision first[QUEUE_BATCH], second[QUEUE_BATCH];
	struct questions questions = { .n = 0 };
	struct inquiry inquiries[QUEUE_BATCH];

	for (size_t i = 0; i < n; i++) {
		inquiries[i] = begin(worker, &packets[i]);
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
		struct judgement judgement =
			judge_end(&inquiries[i], &first[i], &second[i]);

		if (judgement.note == NOTE_UNPARSABLE)
			count(worker, COUNTER_UNPARSABLE, 1);
		answer(worker, &packets[i], &judgement, now_ms);
	}
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

static bool is_stopping(const struct worker *worker)
{
	return atomic_load_explicit(&worker->stopping, memory_order_relaxed);
}

static void *run(void *ctx)
{
	struct worker *worker = ctx;
	struct pace pace = { .gap_us = INT32_MAX };
	struct pollfd fds[] = {
		{ .fd = queue_fd(worker->queue), .events = POLLIN },
		{ .fd = worker->stop_fd, .events = POLLIN },
	};

	rcu_thread_begin();
	while (!is_stopping(worker)) {
		if (run_round(worker)) {
			if (worker->options.poll_us)
				pace_note(&pace, clock_us());
		} else if (!look_again(worker, &pace)) {
			poll(fds, 2, -1);
		}
	}
	/* What waits now gets its verdict; what keeps coming does not keep us
	   from stopping. */
	for (int i = 0; i < LAST_ROUNDS && run_round(worker); i++)
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
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	free(w);
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
	worker->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (worker->stop_fd < 0)
		return err_set(err, -errno, "cannot start a worker: %s",
			       strerror(errno));
	if (worker->options.reject) {
		int r = reject_open(worker->options.marks->bypass,
				    &worker->reject, err);

		if (r < 0)
			return r;
	}
	return queue_open(&worker->options.queue, &worker->queue, err);
}

int worker_start(const struct worker_options *options, struct worker **out,
		 struct err *err)
{
	CLEANUP(worker_release) struct worker *worker = NULL;
	pthread_attr_t attr;
	int r;

	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return err_set(err, -ENOMEM, "no memory for a worker");
	worker->options = *options;
	worker->stop_fd = -1;
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

void worker_stop(struct worker *worker)
{
	uint64_t one = 1;

	if (!worker)
		return;
	atomic_store_explicit(&worker->stopping, true, memory_order_relaxed);
	if (write(worker->stop_fd, &one, sizeof(one)) < 0)
		return; /* cannot happen: the counter is at zero */
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
