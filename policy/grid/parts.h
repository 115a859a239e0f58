/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_GRID_PARTS_H
#define NETPOLD_POLICY_GRID_PARTS_H

#include "netpold/arena.h"
#include "netpold/grid.h"

#include "grid/bundle.h"
#include "grid/cell.h"
#include "grid/slot_set.h"

/**
 * What a grid is made of.
 *
 *	pods ─► classes (reach)		what tables cannot tell apart
 *	pods ─► groups			what people call by one name
 *	groups ─► bundles		groups of the same classes
 *	bundles ─► units		bundles with the same rows and columns
 *
 * Bundles are there to be fewer: a thousand Deployments that no policy tells
 * apart are one bundle, and its cells are worked out once. Rows and columns of
 * bundles are then compared, all of them, by sums over their cells; and from
 * there on one bundle stands for its whole unit.
 */
struct grid {
	struct arena arena; /* all that stays */
	struct reach *reach;
	size_t n_views;
	size_t n_layers; /* 1: what is allowed; N_REACH_CHANGES */
	bool narrowed;	 /* namespaces were named */
	uint64_t hash_key[2];

	struct grid_group *groups;
	size_t n_groups;
	uint32_t *group_of_pod; /* by their numbers in reach */

	struct grid_unit *units;
	uint32_t n_units;
	struct bundles bundles; /* one of each unit */
	/* All classes of each unit: from first_class[i] up to the next. */
	const uint32_t *classes;
	const uint32_t *first_class;

	struct slot_sets slots;
	struct cells cells;	 /* the last column */
	struct arena line_arena; /* the last lines */
};

/* ---- group.c ------------------------------------------------------------ */

/** Put pods into groups. 0 or -ENOMEM. */
int grid_make_groups(struct grid *grid, enum grid_by by);

/* ---- unit.c ------------------------------------------------------------- */

/** Put groups together that have the same rows and columns. 0 or -ENOMEM. */
int grid_make_units(struct grid *grid, const struct grid_options *options);

#endif
