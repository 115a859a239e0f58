/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_GRID_BUNDLING_H
#define NETPOLD_POLICY_GRID_BUNDLING_H

#include "grid/parts.h"

/** Groups that are of the same classes as bundles, and each class outside as
 *  one. */
struct bundling {
	struct bundles bundles;
	uint32_t *of_group;
};

/** Everything in @arena. 0 or -ENOMEM. */
int bundling_make(const struct grid *grid, struct arena *arena,
		  struct bundling *out);

#endif
