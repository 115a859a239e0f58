/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_RULE_TABLE_H
#define NETPOLD_POLICY_TABLE_RULE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/arena.h"

#include "table/rule_lookup.h"

/**
 * The policies that isolate a pod in one direction, compiled: a look-up for
 * packets, and the way back from it to the rules.
 *
 * Pods that are isolated by the same policies have the same table, however many
 * identities they are.
 *
 * Each node of the look-up also has the list of its rules, in the order of the
 * policies' names, so that the rule behind an answer is found where the answer
 * was (L28).
 */
struct rule_table;

/** What packets are looked up in. */
const struct rule_lookup *rule_table_lookup(const struct rule_table *table);

/** The first rule that allows it, by the policies' names; false: none does.
 *  Threads: any. */
bool rule_table_find(const struct rule_table *table,
		     const struct rule_query *query,
		     const struct network_policy **policy, size_t *rule);

/** The policies that isolate, by name; at least one. Threads: any. */
size_t rule_table_policies(const struct rule_table *table,
			   const struct object *const **policies);

/* ---- for who compiles --------------------------------------------------- */

/** Put the identities that a new set matches into it. 0 or -ENOMEM. */
typedef int (*fill_set_fn)(void *ctx, struct peer_set *set);

/** Rule tables of a compiled table, equal ones once. */
struct rule_tables {
	struct rule_table **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
	size_t n_built; /* ever */
	struct peer_sets *peers;
	struct block_sets *blocks;
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

/** Whether all that one allows, the other allows: each of its policies is there
 *  too, or has become one that allows no less. Of one direction and
 *  namespace. */
bool rule_table_includes(const struct rule_table *wide,
			 const struct rule_table *narrow);

#endif
