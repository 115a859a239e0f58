/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_FOLD_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "flowlog/flow_credit.h"
#include "flowlog/flow_event.h"

/**
 * Repeats, made into one: a flow that is judged a thousand times is told of
 * when it is seen first, and then once for each interval in which it was seen
 * again.
 *
 * Repeats have the same question, verdicts, reasons, note and mode. The source
 * port is no part of that: who knocks at a door again is the same who knocks.
 *
 * There is a bound on the flows that are known at once; the one that was told
 * of the longest ago makes room.
 *
 * Threads  one at a time. Times are of a clock that only ever grows, but those
 * that are told, which are those of the events.
 */
struct conntrack_end;
struct flow_fold;

/** One event, or all that came since the last time that one like it was told
 *  of. */
struct flow_told {
	struct flow_event event; /* the first */
	uint64_t count;
	/* Of these, packets with the question, against it, and ICMP errors
	   about such a flow. */
	uint64_t there, back, icmp_errors;
	uint64_t by_kernel; /* of count: nobody has seen them (flow_hit.h) */
	uint64_t bytes;
	int64_t first_us, last_us; /* Unix time */
	struct flow_credit before; /* of the last record about it */
	/* Not what was judged, but what it came to (flow_end.h); NULL. */
	const struct conntrack_end *end;
};

/** @max  flows that are known at once. NULL without memory. */
struct flow_fold *flow_fold_new(uint32_t max, int64_t interval_us,
				const uint64_t hash_key[2]);

/** NULL is fine. */
void flow_fold_free(struct flow_fold *fold);

/** One event alone, to be told of. */
struct flow_told flow_told_once(const struct flow_event *event);

/** Whether such an event is known. Then it is counted there, and there is
 *  nothing to be told. */
bool flow_fold_repeat(struct flow_fold *fold, const struct flow_event *event);

/** The same for many that are alike. */
bool flow_fold_repeat_all(struct flow_fold *fold, const struct flow_told *told);

/**
 * An event that is not known was told of: its repeats are none of their own
 * from now on.
 *
 * @evicted  what has made room
 *
 * Returns  true where that is still to be told of.
 */
bool flow_fold_add(struct flow_fold *fold, const struct flow_event *event,
		   int64_t now_us, struct flow_told *evicted);

/** The record about such an event has named these: kept for the next one, while
 *  the event is known. */
void flow_fold_credit(struct flow_fold *fold, const struct flow_event *event,
		      const struct flow_credit *credit);

/** A time at which all intervals are over: at the end. */
#define FLOW_FOLD_END (INT64_MAX / 2)

/** The next that is to be told of, because its interval is over. False where
 *  there is none. Whoever was not seen in his interval is forgotten. */
bool flow_fold_due(struct flow_fold *fold, int64_t now_us,
		   struct flow_told *out);

#endif
