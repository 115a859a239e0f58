/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_counts.h"

const char *flow_result_name(enum flow_result result)
{
	static const char *const names[N_FLOW_RESULTS] = {
		[FLOW_LOGGED] = "logged",
		[FLOW_FOLDED] = "folded",
		[FLOW_SUPPRESSED_RATE] = "suppressed-rate",
		[FLOW_SUPPRESSED_ONLY] = "suppressed-only",
		[FLOW_LOST_RING] = "lost-ring",
		[FLOW_LOST_SLOW] = "lost-slow",
		[FLOW_LOST_GONE] = "lost-gone",
		[FLOW_LOST_WRITE] = "lost-write",
		[FLOW_LOST_MEMORY] = "lost-memory",
	};

	return names[result];
}

/* The results first: who is counted among them was taken by then. */
struct flow_totals flow_counts_total(const struct flow_counts *counts)
{
	const _Atomic uint64_t *results = counts->results;
	struct flow_totals totals = { .lost = 0 };
	uint64_t told;

	totals.logged = flow_counts_get(&results[FLOW_LOGGED]);
	totals.folded = flow_counts_get(&results[FLOW_FOLDED]);
	totals.suppressed = flow_counts_get(&results[FLOW_SUPPRESSED_RATE]) +
			    flow_counts_get(&results[FLOW_SUPPRESSED_ONLY]);
	for (int i = FLOW_LOST_RING; i < N_FLOW_RESULTS; i++)
		totals.lost += flow_counts_get(&results[i]);
	told = totals.logged + totals.folded + totals.suppressed + totals.lost;
	totals.taken = flow_counts_get(&counts->taken);
	/* Relaxed: the one may be seen before the other. */
	if (totals.taken < told)
		totals.taken = told;
	totals.on_the_way = totals.taken - told;
	return totals;
}
