/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_WORKER_H
#define NETPOLD_DAEMON_DATAPATH_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "datapath/queue.h"

/**
 * A worker judges the packets of one queue, on one CPU, from arrival to
 * verdict. It takes no lock and waits for nobody but the kernel. Where netpold
 * only audits, it judges copies of packets in the same way (copies.h).
 */
struct worker;

struct flow_ring;
struct histogram;
struct memo_ring;
struct mark_layout;
struct onset;
struct tally_ring;
struct unclaimed;
struct verdict_sums;

/** What a worker has done since it started. */
struct worker_counters {
	uint64_t packets;      /* received */
	uint64_t allowed;      /* of flows that get a mark, */
	uint64_t allowed_ipv6; /* those of IPv6 among them, */
	uint64_t picked_up;    /* and those met in their middle */
	uint64_t passed;       /* packets let through, nothing remembered */
	uint64_t denied;       /* packets dropped, unparsable ones included */
	uint64_t unparsable;   /* headers could not be read (L7) */
	uint64_t unclassified; /* the packet mark held no class */
	uint64_t unanswered;   /* their verdicts could not be sent */
	uint64_t overruns;     /* the kernel lost packets for us (ENOBUFS) */
	uint64_t lost;	       /* copies that never came (copies.h) */
	uint64_t rejected;     /* packets denied whose senders were told */
	uint64_t cache_hits;   /* questions answered by the flow cache, */
	uint64_t cache_misses; /* and by the snapshot */
	uint64_t cache_evictions; /* answers forgotten that were still good */
	/* of packets of addresses that no pod claims (unclaimed.h) */
	uint64_t holding;    /* wait now: no counter */
	uint64_t released;   /* waited, and were judged */
	uint64_t timed_out;  /* waited in vain, and were denied */
	uint64_t overflowed; /* found no place to wait, and were denied */
};

struct worker_options {
	struct queue_options queue;
	/* Not that queue's packets are judged, but copies of the log group that
	   has its number; nothing becomes of them but counts. */
	bool audit;
	/* Of a queue that another process has bound (queue_adopt()); -1: bind
	   it. worker_start() owns it, whatever it returns. */
	int inherited_fd;
	unsigned int cpu; /* to be pinned to, where that is allowed; not in an
			     audit: copies come from all */
	/* How long to look for packets before sleeping, while they come that
	   soon one after the other; 0: sleep at once. */
	unsigned int poll_us;
	bool reject; /* tell senders of what is denied (L18) */
	const struct mark_layout *marks; /* outlives the worker */
	/* Of all workers, whom it outlives; NULL: packets are judged on the CPU
	   that sends them. */
	struct onset *onset;
	const struct unclaimed *unclaimed; /* see worker_set_unclaimed() */
	struct memo_ring *answers; /* so does this; what is to be remembered */
	/* So does this: what is judged, for the flow log; NULL: there is none.
	   The worker is its writer. */
	struct flow_ring *events;
	bool tells_policies; /* there is somebody to read worker_tally() */
};

/**
 * Bind a queue and start a thread that judges its packets by the current
 * snapshot.
 *
 * Returns  as queue_open(), and negative errnos of thread creation.
 */
int worker_start(const struct worker_options *options, struct worker **out,
		 struct err *err);

/** Of the worker's queue, or log group, for another process to go on with. */
int worker_queue_fd(const struct worker *worker);

/** Whether copies wait that the worker has not received. False where it judges
 *  a queue: the kernel tells of that (queue_status.h). Threads: any. */
bool worker_copies_wait(const struct worker *worker);

/* Controller only, these four. */

/** Take no more packets until worker_go_on(): another process judges them. What
 *  has been received by then is answered without a mark, so that its flow is
 *  asked for again. */
void worker_rest(struct worker *worker);

/** Wait until it takes none any more. 0, or -ETIMEDOUT. */
int worker_await_rest(const struct worker *worker, int patience_ms);

/** The end of worker_rest(), whether or not it has begun. */
void worker_go_on(struct worker *worker);

/**
 * The other process has gone: judge what it has taken and not answered.
 *
 * @last_id  as queue_reclaim(); of copies, which are gone, it says nothing
 */
void worker_reclaim(struct worker *worker, uint32_t last_id);

/** Judge what has been received, unless the worker rests, end the thread, close
 *  the queue. NULL is fine. */
void worker_stop(struct worker *worker);

/**
 * Whose packets are held until a pod claims them, from now on; NULL: nobody's,
 * and what is held is judged as it is.
 *
 * Threads  controller only. What it was before may be freed after a grace
 *          period.
 */
void worker_set_unclaimed(struct worker *worker,
			  const struct unclaimed *unclaimed);

/** Ask for what is held to be looked at again, by what is current now. */
void worker_ask(struct worker *worker);

/**
 * Wait until all that was held or waited in the queue when worker_ask() was
 * called is judged, or held on; but not for a worker that does not move.
 *
 * @until_us  of clock_us(): how long at most
 *
 * Threads  controller only, both.
 */
void worker_await(struct worker *worker, int64_t until_us);

/**
 * Add a worker's counters to @sum.
 *
 * Threads  any; the numbers are of about now.
 */
void worker_count(const struct worker *worker, struct worker_counters *sum);

/** Add its verdicts, by their reasons, likewise. */
void worker_count_verdicts(const struct worker *worker,
			   struct verdict_sums *sum);

/** How long packets were here: from when they were received until their
 *  verdicts were sent, both of a whole batch. */
const struct histogram *worker_latency(const struct worker *worker);

/** Which packets policies have decided, for one reader; NULL where nobody is to
 *  be told. */
struct tally_ring *worker_tally(const struct worker *worker);

#endif
