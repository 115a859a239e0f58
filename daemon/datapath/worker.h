/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_WORKER_H
#define NETPOLD_DAEMON_DATAPATH_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "datapath/queue.h"

/**
 * A worker judges the packets of one queue, on one CPU, from arrival to
 * verdict. It takes no lock and waits for nobody but the kernel.
 */
struct worker;

struct memo_ring;
struct mark_layout;

/** What a worker has done since it started. */
struct worker_counters {
	uint64_t packets;      /* received */
	uint64_t allowed;      /* flows that got a mark, */
	uint64_t allowed_ipv6; /* those of IPv6 among them, */
	uint64_t picked_up;    /* and those met in their middle */
	uint64_t passed;       /* packets let through, nothing remembered */
	uint64_t denied;       /* packets dropped, unparsable ones included */
	uint64_t unparsable;   /* headers could not be read (L7) */
	uint64_t unclassified; /* the packet mark held no class */
	uint64_t unanswered;   /* their verdicts could not be sent */
	uint64_t overruns;     /* the kernel lost packets for us (ENOBUFS) */
	uint64_t rejected;     /* packets denied whose senders were told */
	uint64_t cache_hits;   /* questions answered by the flow cache, */
	uint64_t cache_misses; /* and by the snapshot */
	uint64_t cache_evictions; /* answers forgotten that were still good */
};

struct worker_options {
	struct queue_options queue;
	unsigned int cpu; /* to be pinned to, where that is allowed */
	/* How long to look for packets before sleeping, while they come that
	   soon one after the other; 0: sleep at once. */
	unsigned int poll_us;
	bool reject; /* tell senders of what is denied (L18) */
	const struct mark_layout *marks; /* outlives the worker */
	struct memo_ring *answers; /* so does this; what is to be remembered */
};

/**
 * Bind a queue and start a thread that judges its packets by the current
 * snapshot.
 *
 * Returns  as queue_open(), and negative errnos of thread creation.
 */
int worker_start(const struct worker_options *options, struct worker **out,
		 struct err *err);

/** Judge what has been received, end the thread, close the queue. NULL is
 *  fine. */
void worker_stop(struct worker *worker);

/**
 * Add a worker's counters to @sum.
 *
 * Threads  any; the numbers are of about now.
 */
void worker_count(const struct worker *worker, struct worker_counters *sum);

#endif
