/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/policy_tally.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "netpold/snapshot.h"

#include "clock.h"
#include "confine.h"
#include "current.h"
#include "datapath/tally_ring.h"
#include "datapath/verdict_counts.h"
#include "datapath/worker.h"
#include "fault.h"
#include "observe/metrics.h"
#include "observe/policy_counts.h"
#include "rcu.h"

/* How often to look where something came the last time, and where not: then a
   ring of which half is used is looked at at once. So what a worker tells in a
   second may be ten times ROUND, and this thread takes no more of a CPU than
   that needs. */
#define BUSY_MS 100
#define IDLE_MS 1000

/* Notes of a worker to look at at once: what comes before it is looked at again
   has half of its ring for itself. */
#define ROUND (TALLY_RING_SIZE / 2)

/* Notes to look at in one section: who replaces the snapshot waits for its
   end. */
#define SECTION 32

struct policy_tally {
	/* set before the thread starts */
	struct policy_tally_options options;
	struct tally_ring **rings; /* by worker */
	int stop_fd;		   /* readable: the thread is to end */
	struct pollfd *waits;	   /* for stop_fd, then for each ring */
	pthread_t thread;
	/* with a lock of its own */
	struct policy_counts *counts;
	/* written by the thread, read by any */
	_Atomic uint64_t missed; /* those of the rings apart */
};

/* ---- counting ----------------------------------------------------------- */

static void miss(struct policy_tally *tally)
{
	atomic_fetch_add_explicit(&tally->missed, 1, memory_order_relaxed);
}

/* Those that do not fit are others, and one of them is enough: it was one
   packet. */
static void count(struct policy_tally *tally,
		  const struct network_policy *const *policies, size_t n,
		  struct policy_verdict verdict, int64_t now_us)
{
	for (size_t i = 0; i < n && i < POLICY_TALLY_MAX; i++) {
		verdict.policy = policies[i];
		policy_counts_add(tally->counts, &verdict, now_us);
	}
	verdict.policy = NULL;
	if (n > POLICY_TALLY_MAX)
		policy_counts_add(tally->counts, &verdict, now_us);
}

/* As count_verdicts() of batch.c had it. */
static const struct snapshot *asked_of(const struct snapshot *snapshot,
				       enum verdict_mode mode)
{
	const struct snapshot *planned = NULL;

	if (snapshot && mode == VERDICT_MODE_AUDIT)
		planned = snapshot_planned(snapshot);
	return planned ? planned : snapshot;
}

static void take_side(struct policy_tally *tally,
		      const struct snapshot *snapshot,
		      const struct tally_note *note, enum direction dir,
		      int64_t now_us)
{
	const struct network_policy *policies[POLICY_TALLY_MAX];
	enum reason reason = (enum reason)note->reasons[dir];
	struct policy_verdict verdict = {
		.mode = (enum verdict_mode)note->mode,
		.direction = dir,
		.verdict = reason == REASON_RULE ? VERDICT_ALLOW : VERDICT_DENY,
	};
	const struct snapshot *asked = asked_of(snapshot, verdict.mode);
	struct side side;
	size_t n;

	if (reason != REASON_RULE && reason != REASON_NO_RULE_MATCHES)
		return;
	if (!asked) {
		miss(tally);
		return;
	}
	n = snapshot_credit(asked, &note->key, dir, &side, policies,
			    POLICY_TALLY_MAX);
	if (side.reason == reason)
		count(tally, policies, n, verdict, now_us);
	else
		miss(tally);
}

/* Returns how many there were; SECTION where there may be more. */
static size_t take_some(struct policy_tally *tally, struct tally_ring *ring,
			int64_t now_us)
{
	const struct snapshot *snapshot;
	struct tally_note note;
	size_t n = 0;

	rcu_section_begin();
	snapshot = current_load();
	while (n < SECTION && tally_ring_take(ring, &note)) {
		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			take_side(tally, snapshot, &note, (enum direction)dir,
				  now_us);
		n++;
	}
	rcu_section_end();
	return n;
}

/* What has woken us is forgotten first: what comes from now on wakes again. */
static bool take_ring(struct policy_tally *tally, struct tally_ring *ring)
{
	int64_t now_us = clock_us();
	size_t total = 0, n;
	uint64_t ignored;

	if (read(tally_ring_wake_fd(ring), &ignored, sizeof(ignored)) < 0)
		ignored = 0; /* nobody has */
	do {
		n = take_some(tally, ring, now_us);
		total += n;
	} while (n == SECTION && total < ROUND);
	return total > 0;
}

static bool take_all(struct policy_tally *tally)
{
	bool any = false;

	for (unsigned int i = 0; i < tally->options.n_workers; i++)
		any |= take_ring(tally, tally->rings[i]);
	return any;
}

/* Returns false where the end has come. Who was busy sleeps for a while
   whatever comes. */
static bool wait_for_notes(struct policy_tally *tally, bool busy)
{
	nfds_t n = busy ? 1 : 1 + tally->options.n_workers;

	poll(tally->waits, n, busy ? BUSY_MS : IDLE_MS);
	return !(tally->waits[0].revents & POLLIN);
}

static void *run(void *ctx)
{
	struct policy_tally *tally = ctx;
	bool busy = false;

	rcu_thread_begin();
	confine_thread(CONFINE_WORKER);
	fault_breach("tally");
	while (wait_for_notes(tally, busy))
		busy = take_all(tally);
	rcu_thread_end();
	return NULL;
}

/* ---- start and stop ----------------------------------------------------- */

static void release(struct policy_tally **tally)
{
	struct policy_tally *t = *tally;

	if (!t)
		return;
	if (t->stop_fd >= 0)
		close(t->stop_fd);
	policy_counts_free(t->counts);
	free(t->rings);
	free(t->waits);
	free(t);
}

int policy_tally_start(const struct policy_tally_options *options,
		       struct policy_tally **out, struct err *err)
{
	CLEANUP(release) struct policy_tally *tally = calloc(1, sizeof(*tally));
	int r;

	if (!tally)
		return err_set(err, -ENOMEM, "no memory to count policies");
	tally->options = *options;
	tally->stop_fd = -1;
	tally->counts = policy_counts_new(options->n_policies);
	tally->rings = calloc(options->n_workers, sizeof(struct tally_ring *));
	tally->waits =
		calloc(1 + (size_t)options->n_workers, sizeof(*tally->waits));
	if (!tally->counts || !tally->rings || !tally->waits)
		return err_set(err, -ENOMEM, "no memory to count policies");
	for (unsigned int i = 0; i < options->n_workers; i++) {
		tally->rings[i] = worker_tally(options->workers[i]);
		tally->waits[1 + i] = (struct pollfd){
			.fd = tally_ring_wake_fd(tally->rings[i]),
			.events = POLLIN,
		};
	}
	tally->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (tally->stop_fd < 0)
		return err_set(err, -errno, "cannot count policies: %s",
			       strerror(errno));
	tally->waits[0] =
		(struct pollfd){ .fd = tally->stop_fd, .events = POLLIN };
	r = pthread_create(&tally->thread, NULL, run, tally);
	if (r)
		return err_set(err, -r, "cannot count policies: %s",
			       strerror(r));
	pthread_setname_np(tally->thread, "tally");
	*out = tally;
	tally = NULL;
	return 0;
}

void policy_tally_stop(struct policy_tally *tally)
{
	uint64_t one = 1;

	if (!tally)
		return;
	if (write(tally->stop_fd, &one, sizeof(one)) < 0)
		return; /* cannot happen: the counter is at zero */
	pthread_join(tally->thread, NULL);
	release(&tally);
}

/* ---- metrics ------------------------------------------------------------ */

static uint64_t read_missed(const void *ctx)
{
	const struct policy_tally *tally = ctx;
	uint64_t missed =
		atomic_load_explicit(&tally->missed, memory_order_relaxed);

	for (unsigned int i = 0; i < tally->options.n_workers; i++)
		missed += tally_ring_missed(tally->rings[i]);
	return missed;
}

int policy_tally_register(const struct policy_tally *tally,
			  struct metrics *metrics)
{
	const struct metric verdicts = {
		.name = "netpold_policy_verdicts_total",
		.unit = "verdicts",
		.help = "Verdicts about packets, by the policy whose rule "
			"allows, or by each that isolates where none does; in "
			"modes as netpold_verdicts_total.",
		.walk = policy_counts_walk,
		.ctx = tally->counts,
	};
	const struct metric missed = {
		.name = "netpold_policy_verdicts_missed_total",
		.unit = "verdicts",
		.help = "Verdicts that are not counted by policy, because too "
			"many came at once, or policies had changed.",
		.read.counter = read_missed,
		.ctx = tally,
	};
	int r = metrics_add(metrics, &verdicts);

	return r == 0 ? metrics_add(metrics, &missed) : r;
}
