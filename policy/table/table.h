/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_TABLE_H
#define NETPOLD_POLICY_TABLE_TABLE_H

#include "table/address_map.h"
#include "table/claim.h"
#include "table/identity.h"
#include "table/label_index.h"
#include "table/namespace.h"
#include "table/peer_set.h"
#include "table/rule_table.h"

struct cluster;
struct snapshot;
struct snapshot_options;

/**
 * The compiled form of a cluster, in the state that is being worked on, and the
 * snapshots of it that are in use.
 *
 *	objects ─► claims ─► addresses ─► identities ─► rule tables ─► peer sets
 *
 * A pod claims addresses; each address leads to an identity; an identity of a
 * local pod has a rule table for each direction, made of the policies that
 * select it; the rules' peers are sets of identities again.
 *
 * Threads  who compiles; readers see snapshots only.
 */
struct table {
	struct parts parts;    /* first: parts lead to their table */
	const char *node_name; /* interned; NULL: every pod is local */

	struct namespaces namespaces;
	struct identities identities;
	struct claims claims;
	struct address_map maps[2];  /* IPv4, IPv6 */
	struct label_index policies; /* by the labels of pods, in the space of
					their namespace's name */
	struct peer_sets peer_sets;
	struct block_sets block_sets;
	struct rule_tables rule_tables;
	size_t n_pods, n_local_pods, n_policies;

	/* to be done before the round ends */
	struct identity *dirty_identities;
	struct table_namespace *dirty_namespaces;

	/* for the report of the round */
	struct ip_addr *touched;
	size_t n_touched, touched_capacity;
	struct contest *contests; /* their pods are used */
	size_t n_contests, contests_capacity;
	size_t n_new_identities;
	bool may_deny[N_DIRECTIONS];

	/* for filling sets: words of zero, as many as blocks of identities */
	uint64_t *words;
	size_t words_capacity;

	/* snapshots in use, the newest first */
	struct snapshot *newest;
	bool abandoned; /* freed with its last snapshot */
};

/** Which of a table's maps an address is in. */
static inline unsigned int map_of(const struct ip_addr *addr)
{
	return addr->family == IP_V6;
}

/** A table that holds the pool. NULL without memory. */
struct table *table_new(struct intern_pool *pool,
			const struct snapshot_options *options);

/** Free a table when its last snapshot is freed; at once, where none is. */
void table_abandon(struct table *table);

/**
 * One object was another before. NULL: it did not count, or counts no more.
 *
 * Returns  0; -ENOMEM, after which the table is good for nothing but for being
 *          abandoned.
 */
int table_change(struct table *table, const struct object *old,
		 const struct object *new);

/** Work off what changes have left to be done. @cluster  as it is now */
int table_settle(struct table *table, const struct cluster *cluster);

/* ---- placement.c: pods and nodes, addresses and identities -------------- */

int placement_change_pod(struct table *table, const struct object *old,
			 const struct object *new);
int placement_change_node(struct table *table, const struct object *old,
			  const struct object *new);
int placement_change_namespace(struct table *table, const struct object *old,
			       const struct object *new);

/** Pods of namespaces whose facts have changed get new identities. */
int placement_settle(struct table *table, const struct cluster *cluster);

/** Forget what the last round has reported of addresses. */
void placement_begin_report(struct table *table);

/** Forget contests that were settled in the round in which they came up: an
 *  address that goes from one pod to another is no mistake. */
void placement_end_report(struct table *table);

/** Answers for an address may be others than before. 0 or -ENOMEM. */
int placement_touch(struct table *table, const struct ip_addr *addr);

/* ---- selection.c: policies and rule tables ------------------------------ */

int selection_change_policy(struct table *table, const struct object *old,
			    const struct object *new);

/** Its rules have to be compiled before the round ends. */
void selection_mark(struct table *table, struct identity *identity);

/** Compile what is marked. */
int selection_settle(struct table *table);

/** Drop the rules of an identity. */
void selection_drop(struct table *table, struct identity *identity);

/** A fill_set_fn; @ctx  the table */
int selection_fill_set(void *ctx, struct peer_set *set);

/* ---- table.c ------------------------------------------------------------ */

/** End the round with a snapshot of this number, and begin the next. NULL
 *  without memory. */
struct snapshot *table_publish(struct table *table, uint64_t number);

#endif
