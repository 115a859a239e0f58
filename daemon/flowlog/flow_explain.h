/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_EXPLAIN_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_EXPLAIN_H

#include "netpold/arena.h"
#include "netpold/snapshot.h"

/**
 * The policies behind an event, which knows the verdict and the reasons only:
 * what is in force now is asked, and may answer otherwise, since policies have
 * changed.
 *
 * Threads  any, inside the read-side section that loaded the snapshot.
 */

/**
 * Look up the policies behind a decision.
 *
 * @snapshot  NULL: nobody knows
 * @bound     how much is told: whoever changes something waits for it
 *
 * Returns  1; 0 where what is in force does not answer so, and @out is as of
 *          flow_explain_only(); -ENOMEM.
 */
int flow_explain(const struct snapshot *snapshot, const struct flow_key *key,
		 const struct decision *decision,
		 const struct explain_bound *bound, struct arena *scratch,
		 struct explanation *out);

/** What was decided, and about which pods, without policies. */
void flow_explain_only(const struct snapshot *snapshot,
		       const struct flow_key *key,
		       const struct decision *decision,
		       struct explanation *out);

#endif
