/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_LOG_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "flowlog/flow_target.h"

/**
 * The flow log: what was judged, as lines of JSON (L34), and for who looks
 * (flow_watch.h).
 *
 *	workers ───── rings ──> logger: fold ─ limit ─ names ─ JSON ──> sink
 *	hit watch ─── ring ──┘     └──> watch: names ─ rows
 *
 * Workers write plain events and never wait. A thread of its own does the rest;
 * what it does not manage is lost and counted, and so is whatever cannot be
 * written (flow_counts.h): the log may be wrong by its gaps, and says so, never
 * by slowing a verdict down. Where there is no log and nobody looks, workers
 * write nothing, and the logger sleeps.
 *
 *	thread		writes		reads
 *	worker		its ring
 *	hit watch	its ring	the kernel's counters (hit_watch.h)
 *	logger		the rest	the rings, the ends of flows, the
 *					snapshot in force
 *	controller	orders		counts
 */
struct flow_counts;
struct flow_log;
struct flow_ring;
struct flow_watch;
struct hit_ring;

struct flow_log_options {
	/* FLOW_TARGET_OFF: nothing is written, and all below is for nothing */
	struct flow_target target;
	uint64_t rotate_bytes; /* see struct flow_sink_options */
	unsigned int keep;
	bool only_denied;    /* by what is enforced, or by what is planned */
	bool with_labels;    /* of pods */
	uint32_t rate;	     /* records a second of each pod; 0: all */
	unsigned int fold_s; /* how long repeats are one; 0: none is */
	bool with_ends;	     /* of flows that pass */
	uint32_t mark_mask;  /* by which these are known (mark.h) */
};

/**
 * Begin to log. Signals that no thread is to take are blocked by then.
 *
 * @options, @node  are copied
 * @n_rings         one for each worker
 *
 * Returns  0; a negative errno with a message.
 */
int flow_log_start(const struct flow_log_options *options, const char *node,
		   unsigned int n_rings, struct flow_log **out,
		   struct err *err);

/** That of a worker, who is its only writer; it lives as long as the log. NULL
 *  where @log is. */
struct flow_ring *flow_log_ring(struct flow_log *log, unsigned int worker);

/** That of who watches what the kernel answers by itself, likewise. */
struct hit_ring *flow_log_hits(struct flow_log *log);

/**
 * From now on the ends of flows are told of (with_ends), or no more: they are
 * whose netpold's that judges. What it cannot listen to the log of netpold and
 * the status say.
 *
 * NULL is fine, and so is a log without ends. Threads: controller only.
 */
void flow_log_hear_ends(struct flow_log *log);
void flow_log_leave_ends(struct flow_log *log);

/** The file was moved away: begin a new one. NULL is fine. Threads: controller
 *  only. */
void flow_log_reopen(struct flow_log *log);

/** For who looks; lives as long as the log. */
struct flow_watch *flow_log_watch(struct flow_log *log);

/** What has become of the events; lives as long as the log. NULL: nothing is
 *  written. */
const struct flow_counts *flow_log_counts(const struct flow_log *log);

/**
 * Write out what the others have written, and end the thread; within ten
 * seconds. Where what is written to stands still for two, and the thread with
 * it, it is left behind, and the log of netpold says so and how much is lost.
 * NULL is fine, and so is a second time.
 *
 * Threads  controller only, when nobody writes any more, and what they have
 *          judged by is still in force, for its names.
 */
void flow_log_stop(struct flow_log *log);

/** After that. What was left behind goes when it ends, if it ever does. NULL is
 *  fine. */
void flow_log_free(struct flow_log *log);

#endif
