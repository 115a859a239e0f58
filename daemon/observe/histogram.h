/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_HISTOGRAM_H
#define NETPOLD_DAEMON_OBSERVE_HISTOGRAM_H

#include <stdint.h>

/**
 * How often a duration was how long: a count for each of a few fixed buckets.
 *
 * Threads  one writer, any number of readers; nobody waits.
 */

#define HISTOGRAM_BUCKETS 14

/** Upper bounds of the buckets in seconds, rising; they belong to theirs. From
 * a tenth of a millisecond, a change of next to nothing, to the start on a
 * large cluster. */
extern const double histogram_bounds[HISTOGRAM_BUCKETS];

/** The same for what takes microseconds. */
extern const double histogram_fine_bounds[HISTOGRAM_BUCKETS];

/** Zero is an empty one. */
struct histogram {
	const double *bounds; /* set before the first; NULL: histogram_bounds */
	/* written by one thread, read by any; the last: above all bounds */
	_Atomic uint64_t counts[HISTOGRAM_BUCKETS + 1];
	_Atomic uint64_t sum_us;
};

/** Count one duration. @duration_us below zero counts as zero. */
void histogram_observe(struct histogram *histogram, int64_t duration_us);

/** Count @n that took that long, each. */
void histogram_observe_many(struct histogram *histogram, int64_t duration_us,
			    uint64_t n);

/** What was counted, as Prometheus tells it. */
struct histogram_snapshot {
	const double *bounds;
	uint64_t at_most[HISTOGRAM_BUCKETS]; /* how many took that long or less
					      */
	uint64_t count;			     /* all of them */
	double sum_seconds; /* may be one ahead or behind of the counts */
};

void histogram_read(const struct histogram *histogram,
		    struct histogram_snapshot *out);

/** Add what another one counts, of the same bounds. @sum may be zero. */
void histogram_add(struct histogram_snapshot *sum,
		   const struct histogram *histogram);

#endif
