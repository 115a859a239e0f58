/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_SNAPSHOT_PARTS_H
#define NETPOLD_POLICY_SNAPSHOT_PARTS_H

#include "netpold/arena.h"
#include "netpold/snapshot.h"

#include "rule.h"

/**
 * What a snapshot is made of. compile.c builds it, snapshot.c asks it,
 * explain.c tells of it; nobody else looks inside.
 */

struct snapshot_pod {
	struct pod pod;
	const struct labels *namespace_labels; /* NULL: unknown (NP-42) */
	bool local;
	/* Policies that select the pod and have the direction in their
	   policyTypes, sorted by name (NP-10). */
	const struct network_policy **isolating[N_DIRECTIONS];
	size_t n_isolating[N_DIRECTIONS];
};

/** An address that belongs to a node, not to a pod. */
struct host_address {
	struct ip_addr addr;
	const char *node_name;
};

struct snapshot {
	struct arena arena; /* holds everything below, and the snapshot too */
	struct snapshot_pod *pods; /* sorted by namespace, name */
	size_t n_pods;
	/* Open addressing from address to pod; NULL is an empty place. */
	struct address_place {
		struct ip_addr addr;
		const struct snapshot_pod *pod;
	} * places;
	size_t n_places;		 /* a power of two */
	struct network_policy *policies; /* sorted by namespace, name */
	size_t n_policies;
	struct namespace *namespaces; /* sorted by name */
	size_t n_namespaces;
	struct host_address *host_addresses; /* sorted by address */
	size_t n_host_addresses;
	/* Addresses of local pods: all, and those isolated. Sorted. */
	struct ip_addr *local;
	size_t n_local;
	struct ip_addr *isolated[N_DIRECTIONS];
	size_t n_isolated[N_DIRECTIONS];
};

/** Whether an address is one of a node's, or of its host-network pods. */
bool snapshot_is_host_address(const struct snapshot *snapshot,
			      const struct ip_addr *addr,
			      const char *node_name);

/** Hash of an address for the places above. */
uint64_t snapshot_hash(const struct ip_addr *addr);

const struct snapshot_pod *snapshot_find(const struct snapshot *snapshot,
					 const struct ip_addr *addr);

/** Both ends of a flow, looked up. */
struct flow_ends {
	const struct snapshot_pod *src; /* NULL: no pod */
	const struct snapshot_pod *dst;
};

struct flow_ends snapshot_ends(const struct snapshot *snapshot,
			       const struct flow_key *key);

/** One side's answer, both ends being known. */
struct side snapshot_side(const struct flow_key *key,
			  const struct flow_ends *ends, enum direction dir);

/** The question that every rule of one side is asked, but for the policy. */
struct rule_question snapshot_question(const struct flow_key *key,
				       const struct flow_ends *ends,
				       enum direction dir);

#endif
