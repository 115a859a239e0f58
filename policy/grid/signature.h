/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_GRID_SIGNATURE_H
#define NETPOLD_POLICY_GRID_SIGNATURE_H

#include "grid/cell.h"

/**
 * What tells two bundles apart: sums over all cells of a row and of a column.
 *
 * Sums and not lists: all rows together are as large as the square of the
 * bundles. They are keyed, so that nobody can write policies whose sums are the
 * same and whose rows are not.
 */
struct signature {
	uint64_t row[2];
	uint64_t column[2];
};

int signature_compare_columns(const struct signature *a,
			      const struct signature *b);
int signature_compare(const struct signature *a, const struct signature *b);

/** Take in a column that was computed: into the signature of its destination,
 *  and into those of its sources. */
void signature_add_column(struct signature *signatures,
			  const struct cells *cells, uint32_t to,
			  const uint64_t key[2]);

#endif
