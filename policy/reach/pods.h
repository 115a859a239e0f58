/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_PODS_H
#define NETPOLD_POLICY_REACH_PODS_H

#include "netpold/arena.h"
#include "netpold/reach.h"

/**
 * The pods of one snapshot, or of two, each with its counterpart in the other.
 */
struct pod_list {
	struct reach_pod *items; /* without their classes */
	/* Of each, in each snapshot. */
	uint32_t *identities[REACH_MAX_VIEWS];
	size_t n;
	struct reach_leftover *leftovers;
	size_t n_leftovers;
};

/** Lists go to @arena. 0 or -ENOMEM. */
int pod_list_make(struct arena *arena, const struct snapshot *const *snapshots,
		  size_t n_snapshots, struct pod_list *out);

#endif
