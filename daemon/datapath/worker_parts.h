/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_WORKER_PARTS_H
#define NETPOLD_DAEMON_DATAPATH_WORKER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "datapath/orders.h"
#include "datapath/verdict_counts.h"
#include "datapath/worker.h"
#include "observe/histogram.h"

/**
 * What a worker is made of, for the files that do its work: worker.c starts,
 * wakes and stops the thread, round.c is what it does again and again.
 */
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
	COUNTER_LOST,
	COUNTER_REJECTED,
	COUNTER_CACHE_HITS,
	COUNTER_CACHE_MISSES,
	COUNTER_CACHE_EVICTIONS,
	COUNTER_HOLDING,
	COUNTER_RELEASED,
	COUNTER_TIMED_OUT,
	COUNTER_OVERFLOWED,
	N_COUNTERS,
};

struct copies;
struct flow_cache;
struct held;
struct queue;
struct reject;
struct snapshot;
struct tally_ring;

struct worker {
	/* set before the thread starts */
	struct worker_options options;
	/* One of these, where its packets come from. */
	struct queue *queue;
	struct copies *copies;
	struct reject *reject; /* NULL: what is denied is dropped in silence */
	struct tally_ring *tally; /* NULL: nobody is told */
	pthread_t thread;
	int done_fd; /* wakes who waits for the thread */
	/* owning worker only */
	struct flow_cache *cache;
	struct held *held;
	/* What the last round went by. */
	const struct snapshot *seen_snapshot;
	uint64_t seen_number; /* of that snapshot: memory is used again */
	const struct unclaimed *seen_unclaimed;
	unsigned int heard;	   /* what is done by now was asked so often, */
	unsigned int rounds_to_go; /* until the answer */
	/* written by the controller, read by the thread */
	struct orders orders;
	_Atomic(const struct unclaimed *) unclaimed; /* in a section */
	atomic_uint asked;			     /* times: worker_ask() */
	/* written by the thread, read by any */
	atomic_uint done; /* as far as asked */
	_Atomic uint64_t counters[N_COUNTERS];
	struct verdict_counts verdicts;
	struct histogram latency;
};

#endif
