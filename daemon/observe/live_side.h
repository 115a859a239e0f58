/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_LIVE_SIDE_H
#define NETPOLD_DAEMON_OBSERVE_LIVE_SIDE_H

#include "netpold/addr.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "json_text.h"

struct arena;

/**
 * One direction of a local pod: which policies isolate it, and what their rules
 * allow, whoever the other end is. What is staged (NP-8) comes too, as such.
 *
 * Threads  all of it inside the read-side section of the snapshot.
 */
#define LIVE_SIDE_POLICIES_MAX 16
#define LIVE_SIDE_RULES_MAX 32

/** All isolating policies, and all of their rules, by what @snapshot enforces.
 *  0; -ENOMEM. */
int live_side_explain(const struct snapshot *snapshot,
		      const struct ip_addr *addr, enum direction dir,
		      struct arena *arena, struct side_explanation *out);

/** Write it into an object that is open, in the words of live_pods.h, bounded
 *  as above. 0; -ENOMEM, where it is not whole. */
int live_side_write(struct json_text *out, const struct snapshot *snapshot,
		    const struct ip_addr *addr, enum direction dir);

#endif
