/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_HIT_WATCH_H
#define NETPOLD_DAEMON_FLOWLOG_HIT_WATCH_H

#include <stdbool.h>

#include "netpold/err.h"

/**
 * Reads what the kernel has answered by itself, by the counters of the sets of
 * answers (recall.h), about once a second, and writes it into a ring.
 *
 * To list a full set takes the kernel a tenth of a second. So it is a thread of
 * its own that does, over a connection of its own, and it is at it for a
 * fiftieth of the time at most: neither workers nor the controller wait for it,
 * nor does the logger. Where nobody reads the ring it does nothing.
 *
 * Answers are not told of from the last time that they were read until they run
 * out: a second's worth of the thirty for which a denial is remembered.
 */
struct hit_ring;
struct hit_watch;

/**
 * Begin to watch. What was answered before is not told of, nor what is while
 * nobody reads the ring.
 *
 * @remember  by verdict: whether there are such sets
 * @ring      outlives the watch, who is its only writer
 *
 * Returns  0; a negative errno with a message.
 */
int hit_watch_start(const bool remember[2], struct hit_ring *ring,
		    struct hit_watch **out, struct err *err);

/** Read a last time, and end. NULL is fine. */
void hit_watch_stop(struct hit_watch *watch);

#endif
