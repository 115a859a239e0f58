/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_SNAPSHOT_PARTS_H
#define NETPOLD_POLICY_TABLE_SNAPSHOT_PARTS_H

#include "netpold/snapshot.h"

#include "table/table.h"

/**
 * The root of what readers see: who has which address, and what identities are
 * and may. Everything else hangs on it.
 */
struct snapshot {
	/* for readers */
	struct address_map maps[2]; /* IPv4, IPv6 */
	const struct identity_views *views;
	struct snapshot_counts counts;
	uint64_t number;
	struct snapshot *planned; /* its own; NULL: nothing is staged */

	/* for who compiles */
	struct table *table;
	struct snapshot *newer, *older; /* in use */
	uint64_t round;			/* that it has ended */
	struct part *thrown; /* parts that newer ones do not lead to */
};

/** What readers see of the identity that somebody has. */
static inline const struct identity_view *
snapshot_view(const struct snapshot *snapshot, struct placed placed)
{
	return identity_views_get(snapshot->views,
				  placed.identity & ~IDENTITY_LOCAL);
}

/** Both ends of a flow, looked up. */
struct flow_ends {
	struct placed src; /* pod NULL: no pod */
	struct placed dst;
};

struct flow_ends snapshot_ends(const struct snapshot *snapshot,
			       const struct flow_key *key);

/** One side's answer, both ends being known; and the rules that the pod is
 *  isolated by, NULL where there are none or nobody asks them. */
struct side snapshot_side(const struct snapshot *snapshot,
			  const struct flow_key *key,
			  const struct flow_ends *ends, enum direction dir,
			  const struct rule_lookup **rules);

/** The end that the rules of a side are about: where the flow comes from, or
 *  goes to. */
struct far_end {
	const struct placed *placed;
	const struct ip_addr *addr;
};

static inline struct far_end snapshot_far_end(const struct flow_key *key,
					      const struct flow_ends *ends,
					      enum direction dir)
{
	return dir == DIRECTION_EGRESS
		       ? (struct far_end){ &ends->dst, &key->dst }
		       : (struct far_end){ &ends->src, &key->src };
}

/**
 * What the rules of a side are asked.
 *
 * Names are those of the destination, and only looked for where rules for
 * egress have some; rules for ingress have their own pod's as numbers already.
 */
static inline struct rule_query snapshot_query(const struct snapshot *snapshot,
					       const struct rule_lookup *rules,
					       const struct flow_key *key,
					       struct far_end far)
{
	return (struct rule_query){
		.other = {
			.addr = far.addr,
			.identity = far.placed->identity & ~IDENTITY_LOCAL,
			.is_pod = far.placed->pod != NULL,
		},
		.protocol = key->protocol,
		.has_port = key->has_port,
		.port = key->dst_port,
		.names = rules->n_named > 0 && far.placed->pod
				 ? &snapshot_view(snapshot, *far.placed)
					    ->identity->ports
				 : NULL,
	};
}

#endif
