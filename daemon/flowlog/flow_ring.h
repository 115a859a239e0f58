/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_RING_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "flowlog/flow_event.h"

/**
 * What a worker has judged, on its way to the flow log: a ring with one writer
 * and one reader and no lock.
 *
 * A worker never waits for the log. What finds the ring full is lost, and
 * counted; nothing else is done about it.
 */
struct flow_ring;

/** @wake_fd is an eventfd that is written to when half of the room is used; it
 *  outlives the ring. NULL without memory. */
struct flow_ring *flow_ring_new(int wake_fd);

/** NULL is fine. */
void flow_ring_free(struct flow_ring *ring);

/**
 * Write an event down; it is copied.
 *
 * Returns  false where there is no room: it is lost.
 * Threads  one writer.
 */
bool flow_ring_put(struct flow_ring *ring, const struct flow_event *event);

/** Take the oldest out; false where there is none. Threads: one reader. */
bool flow_ring_take(struct flow_ring *ring, struct flow_event *out);

/** Whether somebody reads, so that it is worth while to write. At first
 *  somebody does. Threads: any. */
bool flow_ring_is_read(const struct flow_ring *ring);

/** Threads: the reader, or who holds a lock that the reader reads with. An
 * event or some may come after he has said that he reads no more. */
void flow_ring_set_read(struct flow_ring *ring, bool is_read);

/** How many events there was no room for. Threads: any. */
uint64_t flow_ring_lost(const struct flow_ring *ring);

/** How many events were written down, those that were taken out since among
 *  them. It only ever grows. Threads: any. */
uint64_t flow_ring_written(const struct flow_ring *ring);

/** How many fit in: a tenth of a second of a worker that does nothing but judge
 *  packets that are denied. */
#define FLOW_RING_SIZE 16384

#endif
