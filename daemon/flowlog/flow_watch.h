/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_WATCH_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "flowlog/flow_rows.h"

/**
 * What is judged just now, for who looks: netpold top, and the page for people
 * (observe/live_pages.h).
 *
 * It costs nothing while nobody looks. Who does keeps it going for
 * FLOW_WATCH_S; meanwhile events are added up in a table of FLOW_WATCH_ROWS
 * rows, from nothing. When that time is over, all of it is forgotten.
 *
 * Workers know nothing of it. The logger (flow_log.h) takes what they write
 * down, and what the kernel has answered by itself, and holds a lock of its own
 * while it does, and so does who looks; where it is slower than the workers
 * are, events are lost and counted, as those of the log are.
 *
 * Finding names takes some microseconds, so that there is a bound on how often
 * it is done: what is new beyond FLOW_WATCH_NAMES a second is counted, and not
 * told of. So the log does not suffer from a flood that is looked at.
 *
 *	thread		writes				reads
 *	logger		rows				whether somebody looks
 *	who looks	for how long; that there	rows
 *			are readers
 */
struct flow_event;
struct flow_hit;
struct flow_watch;
struct snapshot;

#define FLOW_WATCH_ROWS 1024
#define FLOW_WATCH_NAMES 2000
#define FLOW_WATCH_S 10

/** Called when somebody begins to look, before he is answered, and when nobody
 *  does any more: by who looks and by the logger, with the lock held. */
typedef void flow_watch_turn(void *ctx, bool is_on);

/** @wake_fd: an eventfd that is written to when somebody looks; it and @ctx
 *  outlive the watch. NULL without memory. */
struct flow_watch *flow_watch_new(int wake_fd, flow_watch_turn *turn,
				  void *ctx);

/** NULL is fine. */
void flow_watch_free(struct flow_watch *watch);

/* ---- the logger's -------------------------------------------------------- */

/** Whether somebody looks; where nobody does any more, all is forgotten.
 *
 * @n_lost  events that the logger never saw, since the start */
bool flow_watch_is_on(struct flow_watch *watch, uint64_t n_lost,
		      int64_t now_us);

/** Hold the lock, for some events; not inside of a read-side section, since it
 *  is waited for. */
void flow_watch_lock(struct flow_watch *watch);
void flow_watch_unlock(struct flow_watch *watch);

/**
 * An event was judged. Nothing is done where nobody looks.
 *
 * Threads  the logger, with the lock, inside the read-side section that loaded
 *          @snapshot, which may be NULL.
 */
void flow_watch_take(struct flow_watch *watch, const struct snapshot *snapshot,
		     const struct flow_event *event, int64_t now_us);

/** The kernel has answered by itself: repeats of what was judged. Likewise. */
void flow_watch_take_hit(struct flow_watch *watch,
			 const struct snapshot *snapshot,
			 const struct flow_hit *hit, int64_t now_us);

/* ---- for who looks: any thread ------------------------------------------- */

/** What has become of the events. */
struct flow_watch_sum {
	int64_t began_us;   /* steady: when somebody began to look */
	uint64_t n_seen;    /* packets since, that were taken; of these */
	uint64_t n_unnamed; /* are in no row: too many were new */
	uint64_t n_lost;    /* not taken: the logger did not keep up */
	uint64_t n_gone;    /* rows that have made room */
};

/** Told of each row, with the lock held. A negative errno ends it. */
typedef int flow_watch_visit(void *ctx, const struct flow_row *row,
			     double per_second);

/**
 * Look, and keep it going. What is judged after the first look has returned is
 * told of by the next ones.
 *
 * Returns  0; -ENOMEM; what @visit has returned.
 */
int flow_watch_look(struct flow_watch *watch, int64_t now_us,
		    flow_watch_visit *visit, void *ctx,
		    struct flow_watch_sum *sum);

#endif
