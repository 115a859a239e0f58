/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_LOCAL_REACH_H
#define NETPOLD_DAEMON_OBSERVE_LOCAL_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

/**
 * Which pods of this node may reach which, at any port at all.
 *
 * The snapshot of a node knows the rules of its own pods only, so the grid of
 * `netpold matrix` cannot be made of it. But between two local pods it decides
 * all: so it is asked, at every port where what is allowed can begin. What one
 * side allows are intervals of ports, and so is what both do, which begins
 * where an interval of either begins: at a port that a rule names, at one that
 * the receiver has a name for, or at the first.
 */

/** So many ports of one pod's rules are asked about, in both directions. */
#define LOCAL_REACH_PORTS_MAX 64

/** A pod as one end: a plain value, of what the snapshot said of it. */
struct local_end {
	struct ip_addr addrs[POD_MAX_ADDRESSES]; /* those that it holds */
	size_t n_addrs;
	struct local_slot {
		uint8_t protocol;
		uint16_t port;
	} slots[LOCAL_REACH_PORTS_MAX];
	size_t n_slots;
	bool is_cut; /* its rules name more ports */
};

/** All of a pod but its ports. Inside the read-side section of @snapshot. */
void local_end_init(struct local_end *end, const struct snapshot *snapshot,
		    const struct pod *pod);

/** Add the ports of its rules of a direction, all of them. */
void local_end_add_ports(struct local_end *end,
			 const struct side_explanation *side,
			 enum direction dir);

/**
 * Whether a flow between two of them is allowed that @from opens. Where either
 * is cut, no may be wrong, and yes is right.
 *
 * @receiver  the pod that @to is of
 *
 * Threads  inside the read-side section of @snapshot.
 */
bool local_reach_may(const struct snapshot *snapshot,
		     const struct local_end *from, const struct local_end *to,
		     const struct pod *receiver);

#endif
