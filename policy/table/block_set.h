/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_BLOCK_SET_H
#define NETPOLD_POLICY_TABLE_BLOCK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/object.h"

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
	const struct range_v4 *v4;
	const struct range_v6 *v6;
	size_t n_v4, n_v6;
};

/** An address as a number; host order. */
static inline uint32_t block_number_v4(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

unsigned __int128 block_number_v6(const uint8_t bytes[16]);

/** Whether an address is in one of the ranges. */
bool block_set_has(const struct block_set *set, const struct ip_addr *addr);

/**
 * The set of some peers, all of them PEER_IP_BLOCK.
 *
 * @arena    holds the set
 * @scratch  holds what is needed on the way
 *
 * Returns  the set, or NULL without memory.
 */
const struct block_set *block_set_new(struct arena *arena,
				      struct arena *scratch,
				      const struct peer *const *peers,
				      size_t n);

/** The union of sets. */
const struct block_set *block_set_unite(struct arena *arena,
					struct arena *scratch,
					const struct block_set *const *sets,
					size_t n);

#endif
