/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_CUTS_H
#define NETPOLD_POLICY_REACH_CUTS_H

#include "netpold/arena.h"

#include "addr_number.h"
#include "table/block_set.h"

/**
 * All addresses of a family, cut wherever a set of blocks begins or ends, and
 * sorted by the sets that they are in.
 *
 *	10.0.0.0/8 except 10.1.0.0/16	0: 0.0.0.0 …, 10.1.0.0 …, 11.0.0.0 …
 *					1: 10.0.0.0 …, 10.2.0.0 …
 */
struct cut {
	addr_number first; /* up to the next one */
	uint32_t class;	   /* cuts in the same sets have the same one */
};

struct cuts {
	enum ip_family family;
	struct cut *items; /* ascending; the first one begins at 0 */
	size_t n;
	uint32_t n_classes;
};

/** Returns 0 or -ENOMEM. */
int cuts_make(struct arena *arena, enum ip_family family,
	      const struct block_set *const *sets, size_t n_sets,
	      struct cuts *out);

/** Which cut an address of the family is in. */
size_t cuts_find(const struct cuts *cuts, addr_number addr);

addr_number cuts_last(const struct cuts *cuts, size_t i);

#endif
