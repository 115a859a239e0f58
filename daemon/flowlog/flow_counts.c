/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_counts.h"

#include "flowlog/flow_ring.h"
#include "flowlog/hit_ring.h"

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
		[FLOW_LOST_ENDS] = "lost-ends",
	};

	return names[result];
}

static uint64_t sum_rings(const struct flow_counts *counts,
			  uint64_t (*count)(const struct flow_ring *ring))
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < counts->n_rings; i++)
		sum += count(counts->rings[i]);
	return sum;
}

static uint64_t lost_hits(const struct flow_counts *counts)
{
	return counts->hits ? hit_ring_lost(counts->hits) : 0;
}

uint64_t flow_counts_by_kernel(const struct flow_counts *counts)
{
	return counts->hits ? hit_ring_written(counts->hits) + lost_hits(counts)
			    : 0;
}

uint64_t flow_counts_taken(const struct flow_counts *counts)
{
	return sum_rings(counts, flow_ring_written) +
	       sum_rings(counts, flow_ring_lost) +
	       flow_counts_by_kernel(counts) + flow_counts_get(&counts->ends);
}

uint64_t flow_counts_result(const struct flow_counts *counts,
			    enum flow_result result)
{
	return result == FLOW_LOST_RING
		       ? sum_rings(counts, flow_ring_lost) + lost_hits(counts)
		       : flow_counts_get(&counts->results[result]);
}

/* The results first: who is counted among them was taken by then. */
struct flow_totals flow_counts_total(const struct flow_counts *counts)
{
	struct flow_totals totals = { .lost = 0 };
	uint64_t told;

	totals.logged = flow_counts_result(counts, FLOW_LOGGED);
	totals.folded = flow_counts_result(counts, FLOW_FOLDED);
	totals.suppressed = flow_counts_result(counts, FLOW_SUPPRESSED_RATE) +
			    flow_counts_result(counts, FLOW_SUPPRESSED_ONLY);
	for (int i = FLOW_LOST_RING; i < N_FLOW_RESULTS; i++)
		totals.lost += flow_counts_result(counts, (enum flow_result)i);
	told = totals.logged + totals.folded + totals.suppressed + totals.lost;
	totals.by_kernel = flow_counts_by_kernel(counts);
	totals.ends = flow_counts_get(&counts->ends);
	totals.taken = flow_counts_taken(counts);
	/* Relaxed: the one may be seen before the other. */
	if (totals.taken < told)
		totals.taken = told;
	totals.on_the_way = totals.taken - told;
	return totals;
}
