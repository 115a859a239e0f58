/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_SWEEP_H
#define NETPOLD_DAEMON_DATAPATH_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "datapath/conntrack.h"
#include "datapath/mark.h"

/**
 * A sweep brings the marks of open connections in line with a snapshot: a flow
 * that is no longer allowed loses its mark, so that its next packet is judged,
 * and dropped. Flows that are still allowed are not touched and lose nothing.
 */

struct sweep_result {
	size_t revoked;	  /* marks taken away */
	size_t picked_up; /* given to flows older than netpold (L11) */
	unsigned int passes;
};

/**
 * Sweep until a whole pass finds nothing more to take away: a dump of the
 * table is not atomic (NF-62).
 *
 * The snapshot must be in force, and its grace period over.
 *
 * @at_start  also look after TCP connections that are older than netpold: those
 *            that this node opened get OWN-NODE, those of isolated pods that
 *            are allowed either way get PICKED-UP, since which end opened them
 *            may not be known
 *
 * Returns  0; -EAGAIN where the marks keep coming back; another errno.
 */
int sweep_run(struct conntrack *conntrack, const struct snapshot *snapshot,
	      const struct mark_layout *marks, bool at_start,
	      struct sweep_result *result, struct err *err);

/** Take every netpold bit off every connection: for `netpold clean`. */
int sweep_clear(struct conntrack *conntrack, const struct mark_layout *marks,
		struct err *err);

#endif
