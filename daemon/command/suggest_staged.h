/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_STAGED_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_STAGED_H

#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

/**
 * The policies that are staged (NP-8), and which of them cannot do without
 * which others: one that denies everything is fine as long as another one
 * allows what is needed, and is enforced with it.
 *
 * Threads  one at a time.
 */
struct staged_policy {
	const struct network_policy *policy;
	/* That allow what was seen, and it would deny by itself. */
	const struct network_policy **partners;
	size_t n_partners, room;
};

struct staged {
	struct staged_policy *items; /* by namespace and name */
	size_t n, room;
	struct arena arena;
	struct arena asking; /* of one flow */
};

/**
 * @cluster  outlives it
 *
 * To be released in either case. Returns 0; -ENOMEM.
 */
int staged_init(struct staged *staged, const struct cluster *cluster);
void staged_release(struct staged *staged);

/** NULL where a policy is not staged. */
struct staged_policy *staged_find(const struct staged *staged,
				  const struct network_policy *policy);

/**
 * A flow was seen that what is enforced lets pass.
 *
 * @planned  with what is staged; @now and @then are decisions without and with
 *
 * Returns  0; -ENOMEM.
 */
int staged_note_flow(struct staged *staged, const struct snapshot *planned,
		     const struct flow_key *key, const struct decision *now,
		     const struct decision *then);

/** Sort partners, by namespace and name. */
void staged_sort_partners(struct staged *staged);

#endif
