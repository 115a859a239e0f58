/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker does is one round after the other (round.c).
 *
 * Where nothing waits, a worker sleeps until something does. Waking up costs
 * the first packet of a flow some 20 us. While packets come one soon after the
 * other (--poll-us), it looks again for that long before it sleeps.
 */
#include "datapath/worker.h"

#include <errno.h>
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

#include "clock.h"
#include "confine.h"
#include "datapath/copies.h"
#include "datapath/held.h"
#include "datapath/mark.h"
#include "datapath/orders.h"
#include "datapath/queue.h"
#include "datapath/reject.h"
#include "datapath/round.h"
#include "datapath/tally_ring.h"
#include "datapath/verdict_counts.h"
#include "datapath/worker_parts.h"
#include "fault.h"
#include "observe/histogram.h"
#include "rcu.h"

/* Enough rounds to empty a queue that is full. */
#define LAST_ROUNDS (2 * QUEUE_MAX_LEN / QUEUE_BATCH)

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
		if (round_run(worker)) {
			pace_note(pace, clock_us());
			return true;
		}
	}
	return false;
}

/* Until nothing waits, or so many. */
static void run_rounds(struct worker *worker, int n)
{
	for (int i = 0; i < n && round_run(worker); i++)
		;
}

/* Nobody else reads any more. */
static void take_back(struct worker *worker, uint32_t last_id)
{
	if (worker->copies) {
		copies_own(worker->copies);
		return;
	}
	/* What waits to be received would be received twice. */
	run_rounds(worker, LAST_ROUNDS);
	held_forget(worker->held);
	if (queue_reclaim(worker->queue, last_id) < 0)
		round_count(worker, COUNTER_UNANSWERED, 1);
}

/* Between two rounds, when all is answered but for what is held. Who judges
   instead, and whoever goes on after that, sees to what has no answer in the
   queue (queue_reclaim()), what is held here among it. Returns false at the
   end. */
static bool obey(struct worker *worker)
{
	bool goes_on;
	uint32_t last_id;

	if (orders_resting(&worker->orders))
		held_forget(worker->held);
	goes_on = orders_obey(&worker->orders);
	if (orders_resting(&worker->orders) ||
	    !orders_take_reclaim(&worker->orders, &last_id))
		return goes_on;
	take_back(worker, last_id);
	return goes_on;
}

static int source_fd(const struct worker *worker)
{
	return worker->copies ? copies_fd(worker->copies)
			      : queue_fd(worker->queue);
}

/* Until a packet comes, somebody asks, or the time of a held one is up. */
static void sleep_until_something(struct worker *worker)
{
	struct pollfd fds[] = {
		{ .fd = source_fd(worker), .events = POLLIN },
		{ .fd = worker->orders.wake_fd, .events = POLLIN },
	};

	poll(fds, 2, held_wait_ms(worker->held, clock_coarse_ms()));
	if (fds[1].revents)
		orders_woken(&worker->orders);
}

static void *run(void *ctx)
{
	struct worker *worker = ctx;
	struct pace pace = { .gap_us = INT32_MAX };

	rcu_thread_begin();
	confine_thread(CONFINE_WORKER);
	fault_breach("worker");
	while (!orders_pending(&worker->orders) || obey(worker)) {
		if (round_run(worker)) {
			if (worker->options.poll_us)
				pace_note(&pace, clock_us());
		} else if (!look_again(worker, &pace)) {
			sleep_until_something(worker);
		}
	}
	/* What waits now gets its verdict, unless it is held, or that is
	   somebody else's to give; what keeps coming does not keep us from
	   stopping. */
	if (!orders_resting(&worker->orders))
		run_rounds(worker, LAST_ROUNDS);
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
	copies_close(w->copies);
	reject_close(w->reject);
	flow_cache_free(w->cache);
	held_free(w->held);
	tally_ring_free(w->tally);
	orders_release(&w->orders);
	if (w->options.inherited_fd >= 0)
		close(w->options.inherited_fd);
	if (w->done_fd >= 0)
		close(w->done_fd);
	free(w);
}

static int open_copies(struct worker *worker, int inherited, struct err *err)
{
	const struct copies_options options = {
		.group = worker->options.queue.number,
		.marks = worker->options.marks,
	};

	return inherited < 0 ? copies_open(&options, &worker->copies, err)
			     : copies_adopt(&options, inherited,
					    &worker->copies, err);
}

static int open_source(struct worker *worker, struct err *err)
{
	const struct queue_options *options = &worker->options.queue;
	int inherited = worker->options.inherited_fd;

	worker->options.inherited_fd = -1;
	if (worker->options.audit)
		return open_copies(worker, inherited, err);
	if (inherited < 0)
		return queue_open(options, &worker->queue, err);
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
	worker->held = held_new();
	if (!worker->held)
		return err_set(err, -ENOMEM, "no memory to hold packets");
	if (worker->options.tells_policies) {
		worker->tally = tally_ring_new();
		if (!worker->tally)
			return err_set(err, -ENOMEM,
				       "no memory to count policies");
	}
	worker->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->done_fd < 0)
		return err_set(err, -errno, "cannot start a worker: %s",
			       strerror(errno));
	if (worker->options.reject) {
		int r = reject_open(worker->options.marks->bypass,
				    &worker->reject, err);

		if (r < 0)
			return r;
	}
	return open_source(worker, err);
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
	worker->done_fd = -1;
	worker->unclaimed = options->unclaimed;
	worker->latency.bounds = histogram_fine_bounds;
	r = orders_init(&worker->orders, err);
	if (r == 0)
		r = prepare(worker, err);
	if (r < 0)
		return r;
	pthread_attr_init(&attr);
	if (!options->audit)
		pin(&attr, options->cpu);
	r = pthread_create(&worker->thread, &attr, run, worker);
	pthread_attr_destroy(&attr);
	if (r)
		return err_set(err, -r, "cannot start a worker: %s",
			       strerror(r));
	pthread_setname_np(worker->thread, "worker");
	*out = worker;
	worker = NULL;
	return 0;
}

/* ---- orders ------------------------------------------------------------- */

int worker_queue_fd(const struct worker *worker)
{
	if (worker->copies)
		copies_share(worker->copies);
	return source_fd(worker);
}

/* What was lost is told by the socket as an error: it is to be fetched, too. */
bool worker_copies_wait(const struct worker *worker)
{
	struct pollfd copies = { .fd = source_fd(worker), .events = POLLIN };

	return worker->copies && poll(&copies, 1, 0) > 0;
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

void worker_set_unclaimed(struct worker *worker,
			  const struct unclaimed *unclaimed)
{
	atomic_store_explicit(&worker->unclaimed, unclaimed,
			      memory_order_release);
}

void worker_ask(struct worker *worker)
{
	/* Pairs with round_run(). */
	atomic_fetch_add_explicit(&worker->asked, 1, memory_order_release);
	orders_wake(&worker->orders);
}

static bool is_done(const struct worker *worker)
{
	return atomic_load_explicit(&worker->done, memory_order_acquire) ==
	       atomic_load_explicit(&worker->asked, memory_order_relaxed);
}

void worker_await(struct worker *worker, int64_t until_us)
{
	struct pollfd done = { .fd = worker->done_fd, .events = POLLIN };
	int64_t left_us;
	uint64_t ignored;

	while (!is_done(worker) && (left_us = until_us - clock_us()) > 0) {
		if (poll(&done, 1, (int)(left_us / 1000) + 1) > 0 &&
		    read(worker->done_fd, &ignored, sizeof(ignored)) < 0)
			return; /* cannot happen: it was readable */
	}
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

	/* What is held was received, and is to be among the received: pairs
	   with show_counts(). */
	for (int i = N_COUNTERS; i-- > 0;)
		now[i] = atomic_load_explicit(&worker->counters[i],
					      memory_order_acquire);
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
	sum->lost += now[COUNTER_LOST];
	sum->rejected += now[COUNTER_REJECTED];
	sum->cache_hits += now[COUNTER_CACHE_HITS];
	sum->cache_misses += now[COUNTER_CACHE_MISSES];
	sum->cache_evictions += now[COUNTER_CACHE_EVICTIONS];
	sum->holding += now[COUNTER_HOLDING];
	sum->released += now[COUNTER_RELEASED];
	sum->timed_out += now[COUNTER_TIMED_OUT];
	sum->overflowed += now[COUNTER_OVERFLOWED];
}

void worker_count_verdicts(const struct worker *worker,
			   struct verdict_sums *sum)
{
	verdict_sums_add(sum, &worker->verdicts);
}

struct tally_ring *worker_tally(const struct worker *worker)
{
	return worker->tally;
}

const struct histogram *worker_latency(const struct worker *worker)
{
	return &worker->latency;
}
