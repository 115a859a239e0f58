/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_WALK_H
#define NETPOLD_POLICY_REACH_WALK_H

#include "netpold/slot.h"

#include "table/rule_lookup.h"

/** One member of a look-up, and the slots at which packets are let in by it:
 *  an interval, or the numbers that the destination has under a name. */
struct lookup_part {
	struct member member;
	struct slot_range slots;
	const struct named_rules *name; /* else NULL */
};

/** Anything but 0 ends the walk, and is its result. */
typedef int (*lookup_part_fn)(void *ctx, const struct lookup_part *part);

/**
 * All that a look-up says, in no particular order; a member may come for
 * intervals that touch or overlap.
 */
int lookup_walk(const struct rule_lookup *lookup, lookup_part_fn each,
		void *ctx);

#endif
