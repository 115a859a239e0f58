/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_TALLY_RING_H
#define NETPOLD_DAEMON_DATAPATH_TALLY_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/judge.h"
#include "netpold/snapshot.h"

#include "datapath/verdict_counts.h"

/**
 * What a worker tells of the packets that policies have decided, for who finds
 * out which policies these were: that takes longer than to judge one. The
 * reader looks now and then, and is woken when half of the room is used. Where
 * there is none, which is when more come than anybody looks at, the packet is
 * told as one that was missed, and costs an addition.
 *
 * Threads  one writer, one reader.
 */
struct tally_ring;

struct tally_note {
	struct flow_key key;
	uint8_t mode;		       /* enum verdict_mode */
	uint8_t reasons[N_DIRECTIONS]; /* enum reason */
};

/** How many fit in. */
#define TALLY_RING_SIZE 8192

/** NULL without memory or descriptors. */
struct tally_ring *tally_ring_new(void);

/** NULL is fine. */
void tally_ring_free(struct tally_ring *ring);

/** Write a packet down, if a policy has decided it. Owning worker only. */
void tally_ring_put(struct tally_ring *ring, enum verdict_mode mode,
		    const struct judgement *judgement);

/** Take the oldest out; false where there is none. */
bool tally_ring_take(struct tally_ring *ring, struct tally_note *out);

/** Readable when half of the room was used since it was read (eventfd(2)). */
int tally_ring_wake_fd(const struct tally_ring *ring);

/** How many verdicts of policies there was no room for: of a packet, there may
 *  be two. Threads: any. */
uint64_t tally_ring_missed(const struct tally_ring *ring);

#endif
