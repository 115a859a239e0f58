/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_HIT_RING_H
#define NETPOLD_DAEMON_FLOWLOG_HIT_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "flowlog/flow_hit.h"

/**
 * What the kernel has answered by itself, on its way from who reads its
 * counters (hit_watch.h) to the flow log: a ring with one writer and one reader
 * and no lock. Nobody waits; what finds the ring full is lost, and counted.
 *
 * Where nobody reads, the counters need not be read either: who does sleeps
 * until that changes.
 */
struct hit_ring;

/** NULL without memory. */
struct hit_ring *hit_ring_new(void);

/** NULL is fine. */
void hit_ring_free(struct hit_ring *ring);

/** Write it down; it is copied. False where there is no room: it is lost.
 *  Threads: one writer. */
bool hit_ring_put(struct hit_ring *ring, const struct flow_hit *hit);

/** Take the oldest out; false where there is none. Threads: one reader. */
bool hit_ring_take(struct hit_ring *ring, struct flow_hit *out);

/** Whether somebody reads, so that it is worth while to write. At first nobody
 *  does. Threads: any. */
bool hit_ring_is_read(const struct hit_ring *ring);

/** Wakes who waits for that. Threads: the reader, or who holds a lock that the
 *  reader reads with. */
void hit_ring_set_read(struct hit_ring *ring, bool is_read);

/** Can be read when it was set; it is the ring's. Threads: the writer. */
int hit_ring_set_fd(const struct hit_ring *ring);

/** How many packets were written down, and how many there was no room for. They
 *  only ever grow. Threads: any. */
uint64_t hit_ring_written(const struct hit_ring *ring);
uint64_t hit_ring_lost(const struct hit_ring *ring);

/** How many fit in. */
#define HIT_RING_SIZE 16384

#endif
