/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_GRID_SLOT_SET_H
#define NETPOLD_POLICY_GRID_SLOT_SET_H

#include "netpold/slot.h"

/**
 * Sets of slots, each kept once and known by a number.
 *
 * A set is its last range, and the set of the ranges before that. Sets that
 * grow from their first slot to their last, as they do when a column is read,
 * share what they have in common, and equal ones are the same.
 *
 *	0 {}	1 {80}	2 {80, 443} = 1 + 443	3 {443} = 0 + 443
 */
struct slot_set {
	uint32_t before; /* the set without this range */
	uint32_t n;	 /* ranges */
	struct slot_range last;
	uint32_t next; /* in its bucket; 0: the end */
};

struct slot_sets {
	struct slot_set *items; /* [0] is the empty set */
	uint32_t n;
	size_t capacity;
	uint32_t *buckets;
	size_t n_buckets; /* a power of two */
};

/** 0 or -ENOMEM. */
int slot_sets_init(struct slot_sets *sets);
void slot_sets_release(struct slot_sets *sets);

/**
 * A set with more slots, all of them behind those that it has.
 *
 * Returns  0 with *@set replaced, or -ENOMEM.
 */
int slot_sets_extend(struct slot_sets *sets, uint32_t *set,
		     struct slot_range slots);

#endif
