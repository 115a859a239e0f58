/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_GRID_CELL_H
#define NETPOLD_POLICY_GRID_CELL_H

#include "netpold/arena.h"
#include "netpold/reach.h"

/**
 * The cells of one destination: columns of its classes, put together by whole
 * bundles.
 */
struct cells {
	struct reach *reach;
	const struct bundles *bundles;
	struct slot_sets *slots;
	size_t n_layers; /* 1: what is allowed; N_REACH_CHANGES */
	bool narrowed;	 /* only flows from or to who is inside */
	/* A pod that is alone in its class counts as if it were two. */
	bool with_self;

	struct grid_cell *cells[N_REACH_CHANGES]; /* by source */
	uint32_t *sources; /* those with a cell that is not empty */
	size_t n_sources;

	/* in work */
	struct arena arena; /* of copies of columns; to be released */
	bool *is_source;
	uint32_t *counts; /* pairs of classes, by source; else zero */
	uint32_t *counted;
	size_t n_counted;
};

/** Room for the columns of some bundles; fields up to with_self are the
 *  caller's. 0 or -ENOMEM. */
int cells_init(struct cells *cells, struct arena *arena);
void cells_release(struct cells *cells);

/** Fill in the column of a bundle. 0 or -ENOMEM. */
int cells_compute(struct cells *cells, uint32_t to);

#endif
