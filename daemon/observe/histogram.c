/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/histogram.h"

#include <stdatomic.h>
#include <stddef.h>

/* From a tenth of a millisecond, a change of next to nothing, to the start on a
   large cluster. */
const double histogram_bounds[HISTOGRAM_BUCKETS] = {
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
	0.025,	0.05,	 0.1,	 0.25,	0.5,	1,     2.5,
};

/* One writer: a plain addition, made visible as a whole. Nothing is read by
   way of it, so that relaxed is enough. */
static void add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(
		to, atomic_load_explicit(to, memory_order_relaxed) + n,
		memory_order_relaxed);
}

void histogram_observe(struct histogram *histogram, int64_t duration_us)
{
	size_t bucket = 0;

	if (duration_us < 0)
		duration_us = 0;
	while (bucket < HISTOGRAM_BUCKETS &&
	       (double)duration_us > histogram_bounds[bucket] * 1e6)
		bucket++;
	add(&histogram->counts[bucket], 1);
	add(&histogram->sum_us, (uint64_t)duration_us);
}

void histogram_read(const struct histogram *histogram,
		    struct histogram_snapshot *out)
{
	uint64_t sum_us =
		atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);

	out->count = 0;
	for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		out->count += atomic_load_explicit(&histogram->counts[i],
						   memory_order_relaxed);
		if (i < HISTOGRAM_BUCKETS)
			out->at_most[i] = out->count;
	}
	out->sum_seconds = (double)sum_us / 1e6;
}
