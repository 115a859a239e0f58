/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_MEMO_RING_H
#define NETPOLD_DAEMON_DATAPATH_MEMO_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "netpold/snapshot.h"

#include "datapath/memo.h"

/**
 * What a worker has asked the kernel to remember, on its way to the controller,
 * who has to know all of it (answers.h).
 *
 * An answer is in the ring before its verdict is sent: where there is no room
 * nothing is remembered, so that the kernel never knows more than the ring has
 * told.
 */
struct memo_ring;

struct memo_note {
	struct memo memo;
	uint8_t verdict; /* enum verdict */
};

/** Which answers are taken: by verdict, and IPv4, IPv6. Written by the
 *  controller, read by workers. */
struct memo_gates {
	atomic_bool open[2][2];
};

/** @wake_fd is an eventfd that is written to when half of the room is used.
 *  Both outlive the ring. NULL without memory. */
struct memo_ring *memo_ring_new(const struct memo_gates *gates, int wake_fd);

/** NULL is fine. */
void memo_ring_free(struct memo_ring *ring);

/**
 * Write an answer down, if it is to be remembered.
 *
 * Returns  whether the kernel may be asked to remember it.
 * Threads  one worker, inside the read-side section that sends the verdict.
 */
bool memo_ring_put(struct memo_ring *ring, const struct flow_key *key,
		   enum verdict verdict);

/** Take the oldest out; false where there is none. Threads: controller only. */
bool memo_ring_take(struct memo_ring *ring, struct memo_note *out);

/** How many answers there was no room for. Threads: any. */
uint64_t memo_ring_discarded(const struct memo_ring *ring);

/** How many fit in. */
#define MEMO_RING_SIZE 4096

#endif
