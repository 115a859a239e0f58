/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_PARTITION_H
#define NETPOLD_POLICY_REACH_PARTITION_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"

/**
 * Things sorted into classes by telling them apart, one difference after the
 * other.
 *
 * All begin in one class. A difference is a set of things, and splits each
 * class into those that are in the set and those that are not. What is left
 * together at the end nobody has told apart. It costs the sizes of the sets,
 * however many classes there are.
 *
 *	0 1 2 3 4 5	{1 2 3}: 0 4 5 | 1 2 3	{3 4 5}: 0 | 4 5 | 1 2 | 3
 */
struct partition {
	uint32_t *classes; /* of each thing; from 0, without gaps */
	size_t n;
	uint32_t n_classes;

	/* by class; the last three are zero between two sets */
	uint32_t *sizes;
	uint32_t *inside; /* how many of it are in the set */
	uint32_t *to;	  /* where these go */
	uint32_t *from;	  /* where a new one comes from */
};

/** Everything in arena, which has to outlive it. 0 or -ENOMEM. */
int partition_init(struct partition *partition, struct arena *arena, size_t n);

/** Tell some things, each once, from all others. */
void partition_split(struct partition *partition, const uint32_t *things,
		     size_t n);

/** Tell all things with different keys from each other. 0 or -ENOMEM. */
int partition_split_by_key(struct partition *partition, const uint32_t *keys);

#endif
