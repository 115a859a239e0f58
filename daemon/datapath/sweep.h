/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_SWEEP_H
#define NETPOLD_DAEMON_DATAPATH_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "datapath/mark.h"

/**
 * A sweep brings the marks of open connections in line with a snapshot: a flow
 * that is no longer allowed loses its mark, so that its next packet is judged,
 * and dropped. Flows that are still allowed are not touched and lose nothing.
 *
 * The snapshot must be in force, and its grace period over.
 *
 * Threads  controller only.
 */
struct sweep;
struct pulse;
struct unclaimed;

struct sweep_result {
	size_t revoked;	  /* marks taken away */
	size_t picked_up; /* given to flows older than netpold (L11) */
	unsigned int passes;
};

/** Returns 0 or a negative errno. */
int sweep_open(struct sweep **out, const struct mark_layout *marks,
	       struct err *err);

/** Beat while it goes through connections. */
void sweep_set_pulse(struct sweep *sweep, const struct pulse *pulse);

/** NULL is fine. */
void sweep_close(struct sweep *sweep);

/** Beyond so many addresses, one walk over all flows is less work. */
#define SWEEP_MAX_TARGETS 16

/** Marks given by workers since they started; rare kinds, that a sweep need not
 *  look for where there are none. */
struct marks_given {
	uint64_t ipv6, picked_up;
};

/** Whose flows. */
struct sweep_request {
	const struct ip_addr *addresses; /* NULL: all flows */
	size_t n;
	/* DIRECTION_EGRESS: those that they open; _INGRESS: that they answer */
	bool of[N_DIRECTIONS];
	/* as it was before a grace period that is over */
	struct marks_given given;
	/* Whose flows have to wait for a pod; NULL: nobody's. */
	const struct unclaimed *unclaimed;
};

/**
 * Sweep the flows of some addresses; of all, where that is less work. PICKED-UP
 * ones count as both opened and answered by either end. Again while there may
 * be more to find: a dump of the table is not atomic (NF-62).
 *
 * Returns  0; -EAGAIN where the marks keep coming back; another errno.
 */
int sweep_run(struct sweep *sweep, const struct snapshot *snapshot,
	      const struct sweep_request *request, struct sweep_result *result,
	      struct err *err);

/**
 * Once, at the start: TCP connections that are older than netpold. Those that
 * this node opened get OWN-NODE; those of isolated pods that are allowed either
 * way get PICKED-UP, since which end opened them may not be known.
 */
int sweep_pick_up(struct sweep *sweep, const struct snapshot *snapshot,
		  struct sweep_result *result, struct err *err);

/** Take every netpold bit off every connection: for `netpold clean`. */
int sweep_clear(struct sweep *sweep, struct err *err);

#endif
