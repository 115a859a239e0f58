/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_CLAIM_H
#define NETPOLD_POLICY_TABLE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/object.h"

#include "table/parts.h"

/**
 * Addresses that more than one thing says it has.
 *
 * Usually one pod has an address, and there is nothing to be kept but who. A
 * claim is kept where two pods name one address (NP-64), and where an address
 * is a node's, or a pod's on the host network, and so may be no pod's (NP-53).
 *
 * Threads  who compiles.
 */
struct claim {
	struct claim *next; /* in its bucket */
	struct ip_addr addr;
	const struct object **pods; /* each used */
	size_t n_pods, pods_capacity;
	const char **hosts; /* names of nodes, interned; each once a claim */
	size_t n_hosts, hosts_capacity;
};

struct claims {
	struct claim **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
	const char *node_name; /* of this node, interned; NULL offline */
};

/** The claim on an address, or NULL. */
struct claim *claims_find(const struct claims *claims,
			  const struct ip_addr *addr);

/** The same, made where there is none; NULL without memory. */
struct claim *claims_get(struct parts *parts, struct claims *claims,
			 const struct ip_addr *addr);

/** Free a claim that says no more than that at most one pod has it. */
void claims_drop_settled(struct parts *parts, struct claims *claims,
			 struct claim *claim);

void claims_release(struct parts *parts, struct claims *claims);

/** 0 or -ENOMEM. */
int claim_add_pod(struct parts *parts, struct claim *claim,
		  const struct object *pod);
int claim_add_host(struct parts *parts, struct claim *claim,
		   const char *node_name);

/** What is not there is taken out for nothing. */
void claim_remove_pod(struct parts *parts, struct claim *claim,
		      const struct object *pod);
void claim_remove_host(struct parts *parts, struct claim *claim,
		       const char *node_name);

/** Whether a node claims the address. */
bool claim_is_of_host(const struct claim *claim, const char *node_name);

/**
 * Who has the address; NULL: no pod.
 *
 * An address of the node that a pod says it runs on, or of this node, whatever
 * node the pod names, is never the pod's: it would divert the node's own
 * traffic (NP-53). Of the other pods: one that is not being deleted, else the
 * newest, else the larger UID (NP-64); the name settles what is left, so that
 * every node agrees.
 */
const struct object *claim_winner(const struct claims *claims,
				  const struct claim *claim);

#endif
