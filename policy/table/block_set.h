/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_BLOCK_SET_H
#define NETPOLD_POLICY_TABLE_BLOCK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/object.h"

#include "table/parts.h"

/**
 * The addresses that ipBlock peers match: of each its block without what it
 * excepts, of all together the union (NP-33, NP-36).
 *
 * Kept as ranges from first to last address, sorted, that neither overlap nor
 * touch, so that an address is looked up in the logarithm of their number,
 * however many blocks they come from.
 *
 *	10.0.0.0/8 except 10.1.0.0/16	10.0.0.0 … 10.0.255.255
 *	and 11.0.0.0/24			10.2.0.0 … 11.0.0.255
 */
struct range_v4 {
	uint32_t first, last;
};

struct range_v6 {
	unsigned __int128 first, last;
};

struct block_set {
	const struct range_v6 *v6; /* first: see struct member */
	uint32_t n_v4, n_v6;

	/* for who compiles */
	struct part part;
	struct block_set *next; /* in its bucket */
	size_t hash;
	size_t n_users;
	size_t size; /* of this memory */

	struct range_v4 v4[]; /* those of v6 follow */
};

/** Whether an address is in one of the ranges. */
bool block_set_has(const struct block_set *set, const struct ip_addr *addr);

/* ---- for who compiles --------------------------------------------------- */

/** All sets that rule tables use, equal ones once. Zero is none. */
struct block_sets {
	struct block_set **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
};

/**
 * The set of some peers, all of them PEER_IP_BLOCK, used once more.
 *
 * @scratch  holds what is needed on the way
 *
 * Returns  NULL without memory.
 */
struct block_set *block_sets_get(struct parts *parts, struct block_sets *sets,
				 struct arena *scratch,
				 const struct peer *const *peers, size_t n);

/** The union of sets. */
struct block_set *block_sets_unite(struct parts *parts, struct block_sets *sets,
				   struct arena *scratch,
				   const struct block_set *const *members,
				   size_t n);

/** One user less. */
void block_sets_drop(struct parts *parts, struct block_sets *sets,
		     struct block_set *set);

/** Free what is left when all users are gone. */
void block_sets_release(struct parts *parts, struct block_sets *sets);

#endif
