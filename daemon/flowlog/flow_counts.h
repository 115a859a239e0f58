/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_COUNTS_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_COUNTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * What has become of the events that workers have written down, of the packets
 * that the kernel has answered by itself, and of the ends of flows, each
 * counted once:
 *
 *	taken = logged + folded + suppressed + lost + on their way
 *
 * On their way are those that a ring, a fold or a buffer holds still; none are
 * when the log has ended.
 *
 * What workers have written down, and what they found no room for, they count
 * themselves, in their rings: so it is known while the logger stands still,
 * because what it writes to does.
 *
 * Threads  written by the logger, read by any; the numbers are of about now.
 */
struct flow_ring;
struct hit_ring;

enum flow_result {
	FLOW_LOGGED = 0,      /* a record of its own was written out */
	FLOW_FOLDED,	      /* it is in the count of a record that was */
	FLOW_SUPPRESSED_RATE, /* its pod had its share of records */
	FLOW_SUPPRESSED_ONLY, /* allowed, and only denials were asked for */
	FLOW_LOST_RING,	      /* the logger did not keep up with the workers */
	FLOW_LOST_SLOW,	      /* nor did who reads the records with it */
	FLOW_LOST_GONE,	      /* nobody reads them */
	FLOW_LOST_WRITE,  /* the file did not take it: the disk is full … */
	FLOW_LOST_MEMORY, /* there was none to write it */
	FLOW_LOST_ENDS, /* the kernel had more ends to tell than there was room
			   for, or time when the log ended: so many times,
			   each of at least one */
};
#define N_FLOW_RESULTS 10

struct flow_counts {
	/* not changed */
	struct flow_ring *const *rings;
	unsigned int n_rings;
	const struct hit_ring *hits; /* NULL: there are none */
	bool tells_ends;
	atomic_bool ends_fail; /* it should, and cannot */
	/* ends of flows */
	_Atomic uint64_t ends;
	/* what becomes of an event; not FLOW_LOST_RING: flow_counts_result() */
	_Atomic uint64_t results[N_FLOW_RESULTS];
};

/** "logged", "folded", "suppressed-rate", …, as the label of a metric. */
const char *flow_result_name(enum flow_result result);

/** Add to one of them. Threads: the logger. */
static inline void flow_counts_add(_Atomic uint64_t *count, uint64_t n)
{
	atomic_store_explicit(
		count, atomic_load_explicit(count, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static inline uint64_t flow_counts_get(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

/** How many events there were for the log. It only ever grows. */
uint64_t flow_counts_taken(const struct flow_counts *counts);

/** How many of these the kernel has answered by itself (flow_hit.h). */
uint64_t flow_counts_by_kernel(const struct flow_counts *counts);

/** What has become of them. It only ever grows. */
uint64_t flow_counts_result(const struct flow_counts *counts,
			    enum flow_result result);

/** The same numbers, added up as people ask for them. */
struct flow_totals {
	uint64_t taken, by_kernel, ends, logged, folded, suppressed, lost,
		on_the_way;
};
struct flow_totals flow_counts_total(const struct flow_counts *counts);

#endif
