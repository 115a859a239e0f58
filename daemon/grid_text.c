/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grid_text.h"

#include <errno.h>
#include <stdlib.h>

#include "slot_text.h"

int grid_text_write_ports(FILE *out, const struct grid *grid, uint32_t set)
{
	size_t n = grid_n_ranges(grid, set);
	struct slot_range *ranges = calloc(n + 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	grid_ranges(grid, set, ranges);
	slot_text_write(out, ranges, n);
	free(ranges);
	return 0;
}
