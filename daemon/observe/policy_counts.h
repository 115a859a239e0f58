/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_POLICY_COUNTS_H
#define NETPOLD_DAEMON_OBSERVE_POLICY_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "datapath/verdict_counts.h"
#include "observe/metrics.h"

/**
 * How many verdicts each policy has given, for as many policies as there are
 * places: whoever makes policies must not make series without end.
 *
 * Who comes first gets a place. Where none is free, the policy that has been
 * silent for longest gives up its own after an hour, and its series ends; until
 * then who finds none is counted with all others of that kind, as "_other",
 * which no object can be named. So each series only ever grows.
 *
 * Threads  any; one lock, never taken on the way of a packet.
 */
struct policy_counts;

#define POLICY_COUNTS_SILENCE_US INT64_C(3600000000)

/** The most places that there may be. */
#define POLICY_COUNTS_MAX 1000

/** NULL without memory. */
struct policy_counts *policy_counts_new(size_t n_places);

/** NULL is fine. */
void policy_counts_free(struct policy_counts *counts);

struct policy_verdict {
	const struct network_policy *policy; /* NULL: one of the others */
	enum verdict_mode mode;
	enum direction direction;
	enum verdict verdict;
};

/** @now_us  clock_us() */
void policy_counts_add(struct policy_counts *counts,
		       const struct policy_verdict *verdict, int64_t now_us);

/** For struct metric: all of netpold_policy_verdicts_total. */
int policy_counts_walk(const void *ctx, const struct metric *metric,
		       metrics_fn each, void *each_ctx);

#endif
