/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_OWN_NODE_H
#define NETPOLD_POLICY_REACH_OWN_NODE_H

#include "reach/parts.h"

/**
 * Addresses outside that policies tell apart and that are all of nodes.
 *
 * What comes from a pod's own node passes, whatever policies say (NP-54), and
 * so nothing about it changes between two snapshots. Where a block has other
 * addresses, too, something is left to be said of them. Where it has not, it
 * depends on the pod: of
 *
 *	ipBlock 192.168.0.1/32		the address of node n1
 *
 * nothing is to be said to the pods on n1. So pods on n1 are told apart from
 * others there, and there alone: else each node would have classes of its own.
 * Of one snapshot there are none of these.
 */
struct node_class {
	uint32_t range;	       /* the first one: the class is this one's */
	struct ip_addr *addrs; /* all of them */
	size_t n;
};

/** Find these among the ranges: reach->node_classes. 0 or -ENOMEM. */
int own_node_find(struct reach *reach);

/** By class which of them it is: reach->node_class_of. 0 or -ENOMEM. */
int own_node_index(struct reach *reach);

/** Whether all of them are addresses of a pod's own node, in either snapshot.
 */
bool own_node_is_all(const struct reach *reach, const struct node_class *nodes,
		     uint32_t pod);

#endif
