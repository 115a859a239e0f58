/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_REPLAY_SUMMARY_H
#define NETPOLD_DAEMON_COMMAND_REPLAY_SUMMARY_H

#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/snapshot.h"

/**
 * How many flows, and packets, came of which policy.
 *
 * A flow that is allowed counts for the policy whose rule allows it, on each
 * side that has one; a flow that is denied for each policy that isolates the
 * side where it is. What no policy had a word in counts for none. Two policies
 * of one name are one, since they are the same at two times. A flow whose
 * verdict changes when policies do is added once for each.
 */
struct replay_count {
	uint64_t flows;
	uint64_t packets;
};

struct replay_row {
	const char *namespace, *name; /* "": no policy at all */
	enum direction direction;
	struct replay_count by_verdict[2]; /* enum verdict */
};

/** Rows that were counted in of late, so that most need no search by name. */
#define REPLAY_SUMMARY_RECENT 256

struct replay_recent {
	const struct network_policy *policy;
	struct replay_row *row; /* NULL: nothing is here */
};

/** All zero is empty. */
struct replay_summary {
	struct arena arena;
	void *rows; /* tsearch(3) */
	struct replay_recent recent[N_DIRECTIONS][REPLAY_SUMMARY_RECENT];
};

/** Add a flow, with so many packets, by what was asked about it, and whom.
 *  Returns 0, or -ENOMEM. */
int replay_summary_add(struct replay_summary *summary,
		       const struct snapshot *snapshot,
		       const struct flow_key *key, uint64_t packets);

/** Policies that were counted in may be gone from here on. */
void replay_summary_forget(struct replay_summary *summary);

/** Visit rows in the order of their names, what is no policy's first. */
void replay_summary_each(const struct replay_summary *summary,
			 void (*visit)(const struct replay_row *row, void *ctx),
			 void *ctx);

void replay_summary_release(struct replay_summary *summary);

#endif
