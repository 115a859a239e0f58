/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_RULE_TABLE_H
#define NETPOLD_POLICY_TABLE_RULE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/snapshot.h"

#include "table/block_set.h"
#include "table/peer_set.h"

/**
 * What all policies of a pod allow in one direction, ready to be looked up.
 *
 * For each protocol the ports are cut into intervals, at every port where some
 * rule begins or ends; each interval leads to the peers of the rules that hold
 * there. Where there are few intervals, each has the peers of all its rules.
 * Where there are many, they are the leaves of a segment tree: a rule for a
 * range of ports is in the few nodes that make the range up, and a look-up goes
 * from its leaf to the root. So the size is that of the rules, times a
 * logarithm, whatever the ranges are.
 *
 *	ports 80-90 from A, 85 from B, 443 from C
 *
 *	0      80   85   86   91     443  444
 *	│  –   │ A  │A B │ A  │  –   │ C  │  –
 *
 * Peers are few, or they are united: a node has at most a handful of sets to
 * look into, whatever number of rules it has.
 *
 * Names of ports belong to the destination (NP-45). For ingress that is the pod
 * whose table this is, and the names have become numbers here. For egress it is
 * the other end: the destination's names for the port lead to the rules that
 * use them.
 *
 * The same table serves explanations: each node also lists its rules, in the
 * order of the policies' names, so that the rule behind an answer is found
 *where the answer was (L28).
 */
struct rule_table;

/** The end of a flow that peers are about. */
struct other_end {
	const struct ip_addr *addr;
	uint32_t identity;
	bool is_pod; /* identity holds (NP-34) */
};

/** What a rule table is asked. */
struct rule_query {
	struct other_end other;
	uint8_t protocol;
	bool has_port;
	uint16_t port;
	/* Named ports of the destination, where the table needs them. */
	const struct named_ports *names;
};

/** Whether any rule allows it. Threads: any. */
bool rule_table_allows(const struct rule_table *table,
		       const struct rule_query *query);

/** Bring what rule_table_allows() reads first into the cache. */
void rule_table_prefetch(const struct rule_table *table);

/** The first rule that allows it, by the policies' names; false: none does. */
bool rule_table_find(const struct rule_table *table,
		     const struct rule_query *query,
		     const struct network_policy **policy, size_t *rule);

/** The policies that isolate, by name; at least one. */
size_t rule_table_policies(const struct rule_table *table,
			   const struct object *const **policies);

/* ---- for who compiles --------------------------------------------------- */

/** Put the identities that a new set matches into it. 0 or -ENOMEM. */
typedef int (*fill_set_fn)(void *ctx, struct peer_set *set);

/** Rule tables of a compiled table, equal ones kept once. Zero is none. */
struct rule_tables {
	struct rule_table **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
	size_t n_built; /* ever */
	struct peer_sets *sets;
	fill_set_fn fill;
	void *fill_ctx;
	struct arena scratch;
};

/**
 * The rule table for some policies, used once more.
 *
 * @policies  objects of the store that isolate in @dir, sorted by name, at
 * least one, all of one namespace
 * @ports     of the pod whose table it is
 *
 * Returns  NULL without memory.
 */
struct rule_table *
rule_tables_get(struct parts *parts, struct rule_tables *tables,
		enum direction dir, const struct object *const *policies,
		size_t n_policies, const struct named_ports *ports);

/** One user less. NULL is fine. */
void rule_tables_drop(struct parts *parts, struct rule_tables *tables,
		      struct rule_table *table);

/** Free what is left when all users are gone. */
void rule_tables_release(struct parts *parts, struct rule_tables *tables);

/** Whether all that one allows, the other allows, by their policies alone. */
bool rule_table_includes(const struct rule_table *wide,
			 const struct rule_table *narrow);

#endif
