/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_VERDICT_COUNTS_H
#define NETPOLD_DAEMON_DATAPATH_VERDICT_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/judge.h"
#include "netpold/snapshot.h"

/**
 * How often a worker has judged how, and why: a counter for each pair of
 * reasons that the two ends of a flow can have. So a packet costs one addition;
 * whoever reads makes directions and verdicts of it.
 *
 * Threads  one writer, any number of readers; nobody waits.
 */

/**
 * Whether the verdict was obeyed, or only told of: what it were if what is
 * staged were enforced, too.
 *
 * A packet counts as enforced, and as audited beside that where it would be
 * denied instead of allowed, or allowed instead of denied; so what agrees
 * counts once. Of those that are only copied (--mode=audit) nothing is
 * enforced, and each counts as audited.
 */
enum verdict_mode { VERDICT_MODE_ENFORCE = 0, VERDICT_MODE_AUDIT };
#define N_VERDICT_MODES 2

/** "enforce" or "audit". */
const char *verdict_mode_name(enum verdict_mode mode);

enum verdict_protocol {
	COUNTED_TCP = 0,
	COUNTED_UDP,
	COUNTED_SCTP,
	COUNTED_ICMP, /* and ICMPv6 */
	COUNTED_OTHER,
};
#define N_VERDICT_PROTOCOLS 5

/** "tcp", "udp", "sctp", "icmp" or "other". */
const char *verdict_protocol_name(enum verdict_protocol protocol);

/** By number, of IP. */
enum verdict_protocol verdict_protocol_of(uint8_t protocol);

#define N_REASONS (REASON_NOT_LOCAL + 1)
#define N_NOTES (NOTE_UNCLAIMED + 1)

/** Zero has counted nothing. */
struct verdict_counts {
	/* what policies were asked about: by the reason of either end */
	_Atomic uint64_t judged[N_VERDICT_MODES][N_VERDICT_PROTOCOLS][N_REASONS]
			       [N_REASONS]; /* egress, ingress */
	/* what they were not, by enum verdict */
	_Atomic uint64_t noted[N_VERDICT_MODES][N_NOTES][2];
};

/**
 * What would become of a packet if what is staged were enforced, too.
 *
 * @planned  with the decision that this were, as that of a packet that is
 *           enforced
 *
 * Returns  whether it would be denied instead of allowed, or the other way
 *          round.
 */
bool verdict_plan(const struct judgement *judgement, struct judgement *planned);

/** Count one packet. Owning worker only. */
void verdict_counts_add(struct verdict_counts *counts, enum verdict_mode mode,
			const struct judgement *judgement);

/** What several workers have counted together; zero is nothing. */
struct verdict_sums {
	uint64_t sides[N_VERDICT_MODES][N_VERDICT_PROTOCOLS][N_DIRECTIONS]
		      [N_REASONS];
	uint64_t noted[N_VERDICT_MODES][N_NOTES][2]; /* by enum verdict */
};

/** Add a worker's counts. */
void verdict_sums_add(struct verdict_sums *sums,
		      const struct verdict_counts *counts);

#endif
