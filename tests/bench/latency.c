/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "latency.h"

void latency_count(struct latency *latency, uint64_t ns)
{
	uint64_t step = ns / LATENCY_STEP_NS;

	if (step >= LATENCY_STEPS)
		step = LATENCY_STEPS - 1;
	atomic_fetch_add_explicit(&latency->counts[step], 1,
				  memory_order_relaxed);
}

void latency_reset(struct latency *latency)
{
	for (size_t i = 0; i < LATENCY_STEPS; i++)
		atomic_store_explicit(&latency->counts[i], 0,
				      memory_order_relaxed);
}

double latency_median_us(const struct latency *latency)
{
	uint64_t total = 0, seen = 0;
	size_t step = 0;

	for (size_t i = 0; i < LATENCY_STEPS; i++)
		total += atomic_load_explicit(&latency->counts[i],
					      memory_order_relaxed);
	for (; step < LATENCY_STEPS - 1; step++) {
		seen += atomic_load_explicit(&latency->counts[step],
					     memory_order_relaxed);
		if (seen * 2 >= total)
			break;
	}
	return total ? (double)step * LATENCY_STEP_NS / 1000 : 0;
}
