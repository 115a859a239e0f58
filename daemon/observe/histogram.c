/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/histogram.h"

#include <stdatomic.h>
#include <stddef.h>

const double histogram_bounds[HISTOGRAM_BUCKETS] = {
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
	0.025,	0.05,	 0.1,	 0.25,	0.5,	1,     2.5,
};

const double histogram_fine_bounds[HISTOGRAM_BUCKETS] = {
	0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025,
	0.0005,	   0.001,    0.0025,  0.01,	0.05,	 0.25,	 1,
};

/* One writer: a plain addition, made visible as a whole. Nothing is read by
   way of it, so that relaxed is enough. */
static void add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(
		to, atomic_load_explicit(to, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static const double *bounds_of(const struct histogram *histogram)
{
	return histogram->bounds ? histogram->bounds : histogram_bounds;
}

void histogram_observe(struct histogram *histogram, int64_t duration_us)
{
	histogram_observe_many(histogram, duration_us, 1);
}

void histogram_observe_many(struct histogram *histogram, int64_t duration_us,
			    uint64_t n)
{
	const double *bounds = bounds_of(histogram);
	size_t bucket = 0;

	if (duration_us < 0)
		duration_us = 0;
	while (bucket < HISTOGRAM_BUCKETS &&
	       (double)duration_us > bounds[bucket] * 1e6)
		bucket++;
	add(&histogram->counts[bucket], n);
	add(&histogram->sum_us, (uint64_t)duration_us * n);
}

void histogram_read(const struct histogram *histogram,
		    struct histogram_snapshot *out)
{
	*out = (struct histogram_snapshot){ .count = 0 };
	histogram_add(out, histogram);
}

void histogram_add(struct histogram_snapshot *sum,
		   const struct histogram *histogram)
{
	uint64_t sum_us =
		atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
	uint64_t count = 0;

	sum->bounds = bounds_of(histogram);
	for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		count += atomic_load_explicit(&histogram->counts[i],
					      memory_order_relaxed);
		if (i < HISTOGRAM_BUCKETS)
			sum->at_most[i] += count;
	}
	sum->count += count;
	sum->sum_seconds += (double)sum_us / 1e6;
}
