/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_GRID_UNIT_H
#define NETPOLD_POLICY_GRID_UNIT_H

#include "grid/bundling.h"

/** Which of its pods' directions are isolated, in any view: a bit each. */
uint32_t grid_isolation(const struct grid *grid, const struct bundle *bundle);

/** Fill in the units of a grid, of which n_units is known. 0 or -ENOMEM. */
int grid_list_units(struct grid *grid, const struct bundling *bundling,
		    const uint32_t *unit_of_bundle);

#endif
