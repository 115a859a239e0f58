/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "command/diff.h"

const char *diff_change_word(enum reach_change change)
{
	return change == OPENS_BY_INGRESS || change == OPENS_BY_EGRESS
		       ? "opens"
		       : "closes";
}

enum direction diff_change_side(enum reach_change change)
{
	return change == OPENS_BY_INGRESS || change == CLOSES_BY_INGRESS
		       ? DIRECTION_INGRESS
		       : DIRECTION_EGRESS;
}

/* ---- an example --------------------------------------------------------- */

/* Of many ports one that says something to people; nobody calls port 0. */
static uint32_t pick_slot(const struct slot_range *ranges, size_t n)
{
	static const uint32_t best[] = { SLOT_TCP + 80, SLOT_TCP + 443,
					 SLOT_TCP + 8080, SLOT_UDP + 53 };

	for (size_t i = 0; i < sizeof(best) / sizeof(best[0]); i++) {
		for (size_t k = 0; k < n; k++) {
			if (ranges[k].first <= best[i] &&
			    best[i] <= ranges[k].last)
				return best[i];
		}
	}
	return ranges[0].first + (ranges[0].first % SLOT_UDP == 0 &&
				  ranges[0].last > ranges[0].first);
}

static int choose_slot(const struct grid *grid, uint32_t set, uint32_t *out)
{
	size_t n = grid_n_ranges(grid, set);
	struct slot_range *ranges = calloc(n, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	grid_ranges(grid, set, ranges);
	*out = pick_slot(ranges, n);
	free(ranges);
	return 0;
}

int diff_example_make(struct diff *diff, const struct diff_line *line,
		      struct arena *arena, struct diff_example *out)
{
	struct flow_key keys[REACH_MAX_VIEWS];
	uint32_t slot;
	int r = choose_slot(diff->grid, line->set, &slot);

	if (r == 0)
		r = grid_example(diff->grid, line->from[0], line->to[0],
				 line->change, slot, keys);
	for (int v = 0; v < REACH_MAX_VIEWS && r == 0; v++) {
		out->records[v] = (struct decision_record){
			.key = keys[v],
			.explanation = &out->explanations[v],
		};
		r = snapshot_explain(diff->worlds[v].snapshot, &keys[v], arena,
				     &out->explanations[v]);
	}
	return r;
}
