/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/table.h"

#include <stdlib.h>

#include "table/snapshot_parts.h"

/* ---- life --------------------------------------------------------------- */

/* Multiplied with addresses, so never zero. */
static uint64_t secret_of(const struct snapshot_options *options, int i)
{
	static const uint64_t odd[2] = { 0x9e3779b97f4a7c15,
					 0xc2b2ae3d27d4eb4f };
	uint64_t key = options ? options->hash_key[i] : 0;

	return key ? key : odd[i];
}

struct table *table_new(struct intern_pool *pool,
			const struct snapshot_options *options)
{
	const uint64_t secret[2] = { secret_of(options, 0),
				     secret_of(options, 1) };
	const char *node_name = options ? options->node_name : NULL;
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->parts.pool = intern_pool_hold(pool);
	table->parts.round = 1;
	table->rule_tables.peers = &table->peer_sets;
	table->rule_tables.blocks = &table->block_sets;
	table->rule_tables.fill = selection_fill_set;
	table->rule_tables.fill_ctx = table;
	address_map_init(&table->maps[0], IP_V4, secret);
	address_map_init(&table->maps[1], IP_V6, secret);
	if (node_name)
		table->node_name = intern(pool, node_name);
	if (namespaces_init(&table->parts, &table->namespaces) < 0 ||
	    (node_name && !table->node_name)) {
		table_abandon(table);
		return NULL;
	}
	table->claims.node_name = table->node_name;
	return table;
}

static void drop_rules(struct table *table)
{
	const struct identities *ids = &table->identities;

	for (size_t i = 0; i < ids->n_buckets; i++) {
		struct identity *identity = ids->buckets[i];

		for (; identity; identity = identity->next)
			selection_drop(table, identity);
	}
}

static void table_free(struct table *table)
{
	struct parts *parts = &table->parts;
	struct part *thrown = parts->thrown;

	parts->ending = true;
	parts->thrown = NULL;
	parts_free_thrown(parts, thrown);
	placement_begin_report(table);
	drop_rules(table);
	for (int i = 0; i < 2; i++)
		address_map_release(parts, &table->maps[i]);
	rule_tables_release(parts, &table->rule_tables);
	peer_sets_release(parts, &table->peer_sets);
	block_sets_release(parts, &table->block_sets);
	label_index_release(parts, &table->policies);
	identities_release(parts, &table->identities);
	claims_release(parts, &table->claims);
	namespaces_release(parts, &table->namespaces);
	intern_drop(parts->pool, table->node_name);
	free(table->touched);
	free(table->contests);
	free(table->words);
	intern_pool_release(parts->pool);
	free(table);
}

void table_abandon(struct table *table)
{
	table->abandoned = true;
	if (!table->newest)
		table_free(table);
}

/* ---- a round ------------------------------------------------------------ */

int table_change(struct table *table, const struct object *old,
		 const struct object *new)
{
	switch (old ? old->kind : new->kind) {
	case OBJECT_POD:
		return placement_change_pod(table, old, new);
	case OBJECT_NAMESPACE:
		return placement_change_namespace(table, old, new);
	case OBJECT_NETWORK_POLICY:
		return selection_change_policy(table, old, new);
	case OBJECT_NODE:
		return placement_change_node(table, old, new);
	}
	return 0;
}

/* Called when no snapshot knows the identity any more: only now may its bits be
   cleared, and its number go to another. */
static void evicted_free(struct parts *parts, struct part *part)
{
	struct table *table = (struct table *)parts;
	struct identity *identity = (struct identity *)part;

	peer_sets_leave(&table->peer_sets, identity->facts, &identity->labels,
			identity->number);
	identity_free(parts, &table->identities, identity);
}

static int evict_idle(struct table *table)
{
	struct parts *parts = &table->parts;
	struct identity *identity;

	while ((identity = identities_to_evict(&table->identities))) {
		struct table_namespace *namespace = identity->namespace;
		int r;

		selection_drop(table, identity);
		r = identities_evict(parts, &table->identities, identity);
		if (r < 0)
			return r;
		identity->part.free = evicted_free;
		parts_throw(parts, &identity->part);
		namespaces_drop_unused(parts, &table->namespaces, namespace);
	}
	return 0;
}

int table_settle(struct table *table, const struct cluster *cluster)
{
	int r = placement_settle(table, cluster);

	if (r == 0)
		r = selection_settle(table);
	return r == 0 ? evict_idle(table) : r;
}

/* Parts that newer snapshots do not lead to: a snapshot may lead to those that
   were made by its time, and has them from now on. The others go. NULL: all
   do. */
static void hand_over(struct table *table, struct part *thrown,
		      struct snapshot *snapshot)
{
	while (thrown) {
		struct part *part = thrown;

		thrown = part->next;
		if (snapshot && part->round <= snapshot->round) {
			part->next = snapshot->thrown;
			snapshot->thrown = part;
		} else {
			part->free(&table->parts, part);
		}
	}
}

struct snapshot *table_publish(struct table *table, uint64_t number)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	struct part *thrown = table->parts.thrown;

	if (!snapshot)
		return NULL;
	snapshot->maps[0] = table->maps[0];
	snapshot->maps[1] = table->maps[1];
	snapshot->views = table->identities.views;
	snapshot->counts = (struct snapshot_counts){
		.pods = table->n_pods,
		.local_pods = table->n_local_pods,
		.policies = table->n_policies,
	};
	snapshot->number = number;
	snapshot->table = table;
	snapshot->older = table->newest;
	snapshot->round = table->parts.round;
	table->parts.thrown = NULL;
	hand_over(table, thrown, table->newest);
	if (table->newest)
		table->newest->newer = snapshot;
	table->newest = snapshot;
	table->parts.round++;
	return snapshot;
}

/* ---- the end of a snapshot ---------------------------------------------- */

void snapshot_free(struct snapshot *snapshot)
{
	struct snapshot *newer, *older;
	struct table *table;

	if (!snapshot)
		return;
	snapshot_free(snapshot->planned);
	table = snapshot->table;
	newer = snapshot->newer;
	older = snapshot->older;
	*(newer ? &newer->older : &table->newest) = older;
	if (older)
		older->newer = newer;
	hand_over(table, snapshot->thrown, older);
	free(snapshot);
	if (table->abandoned && !table->newest)
		table_free(table);
}

void snapshot_freep(struct snapshot **snapshot)
{
	snapshot_free(*snapshot);
}
