/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_POLICY_TALLY_H
#define NETPOLD_DAEMON_OBSERVE_POLICY_TALLY_H

#include <stddef.h>

#include "netpold/err.h"

/**
 * Counts verdicts by policy (policy_counts.h), in a thread of its own, "tally":
 * it takes what workers tell (datapath/tally_ring.h), and asks the snapshot
 * that is current now which policies these were.
 *
 * What each allows is counted once, for the policy whose rule allows, by name
 * the first; a denial counts for each policy that isolates. Some 40,000 packets
 * of a worker are looked at in a second, and bursts may be of TALLY_RING_SIZE;
 * the rest, and what the current snapshot answers otherwise, is counted as
 * missed.
 */
struct policy_tally;
struct metrics;
struct worker;

/** Of a denial, so many policies are counted by name. */
#define POLICY_TALLY_MAX 8

struct policy_tally_options {
	const struct worker *const *workers; /* outlive it */
	unsigned int n_workers;
	size_t n_policies; /* that are told by name; POLICY_COUNTS_MAX at most
			    */
};

/**
 * Begin to count. Signals that no thread is to take are blocked by then.
 *
 * Returns  0; a negative errno with a message, without memory or threads.
 */
int policy_tally_start(const struct policy_tally_options *options,
		       struct policy_tally **out, struct err *err);

/** NULL is fine. */
void policy_tally_stop(struct policy_tally *tally);

/** Register its metrics. 0, or -ENOMEM, where some may be registered. */
int policy_tally_register(const struct policy_tally *tally,
			  struct metrics *metrics);

#endif
