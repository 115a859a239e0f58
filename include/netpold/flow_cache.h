/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_FLOW_CACHE_H
#define NETPOLD_FLOW_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/snapshot.h"

/**
 * Decisions that were made before, so that the same question is not asked
 * twice.
 *
 * A decision is a pure function of snapshot and key (DEC-2), and an answer is
 * found under both or not at all; with it, the one by what is planned
 * (snapshot_planned()). So a cache can forget anything at any time:
 * that costs asking again, and can never give another answer (L12). It knows
 * nothing of flows, how long they are idle or whether they are over.
 *
 * It has a fixed number of places, in sets of four. Which set a key belongs to
 * follows from a keyed hash: who sends packets cannot fill a set of his choice.
 * In a set, what is of another snapshot goes first, then what was not asked for
 * longest.
 *
 * Threads  one at a time: each worker has its own.
 */
struct flow_cache;

struct flow_cache_options {
	uint64_t hash_key[2]; /* drawn at random */
	size_t n_places;      /* 0: FLOW_CACHE_PLACES; rounded up to a power
				 of two */
};

#define FLOW_CACHE_PLACES 16384

/** NULL without memory, of which a place takes 64 bytes. */
struct flow_cache *flow_cache_new(const struct flow_cache_options *options);

/** NULL is fine. */
void flow_cache_free(struct flow_cache *cache);

/** Forget all answers: what follows is a snapshot of another compiler, whose
 *  numbers begin anew. */
void flow_cache_forget(struct flow_cache *cache);

/**
 * Decide a flow, by what is remembered or by asking the snapshot.
 *
 * @now_ms  any clock; only its differences matter, and it may wrap around
 *
 * Returns  what snapshot_decide() returns.
 */
struct decision flow_cache_decide(struct flow_cache *cache,
				  const struct snapshot *snapshot,
				  const struct flow_key *key, uint32_t now_ms);

/** The same for many flows; those that are not remembered are asked in one
 *  batch. */
void flow_cache_decide_batch(struct flow_cache *cache,
			     const struct snapshot *snapshot,
			     const struct flow_key *keys, size_t n,
			     uint32_t now_ms, struct decision *out);

/**
 * The same, and what the decisions were if what is staged were enforced, too
 * (NP-8).
 *
 * @planned  may be NULL; where nothing is staged it is as @out
 */
void flow_cache_decide_both(struct flow_cache *cache,
			    const struct snapshot *snapshot,
			    const struct flow_key *keys, size_t n,
			    uint32_t now_ms, struct decision *out,
			    struct decision *planned);

struct flow_cache_counts {
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions; /* of answers that were still good */
};
struct flow_cache_counts flow_cache_counts(const struct flow_cache *cache);

#endif
