/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_GRID_BUNDLE_H
#define NETPOLD_POLICY_GRID_BUNDLE_H

#include "netpold/arena.h"
#include "netpold/reach.h"

/**
 * Classes that are asked together, as one source and as one destination: those
 * of a group's pods, or one outside.
 */
struct bundle {
	const uint32_t *classes; /* ascending */
	bool *is_alone;		 /* of each: it is one pod here */
	uint32_t n;
	uint32_t n_of_family[2];
	bool is_outside;
	bool is_inside; /* as struct reach_class has it */
};

/** Some bundles, and which of them a class is in. */
struct bundles {
	const struct reach *reach;
	struct bundle *items;
	uint32_t n;
	uint32_t *first; /* of each class, in of_class; one more at the end */
	uint32_t *of_class;
};

/** Fill in what follows from the classes of each. 0 or -ENOMEM. */
int bundles_index(struct bundles *bundles, struct arena *arena,
		  const struct reach *reach);

/**
 * How many pairs of classes flows may be between, from one bundle to another,
 * but for those that are the pods' own node's (reach_is_own_node()).
 *
 * @with_self  a pod that is alone in its class counts as if it were two
 */
uint32_t bundles_n_pairs(const struct bundles *bundles, uint32_t from,
			 uint32_t to, bool with_self);

#endif
