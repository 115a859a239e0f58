/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiler is a table that follows a cluster. Should memory run out in the
 * middle of a change, the table is of no more use: it is left to the snapshots
 * that were made of it, and the next compilation begins a new one from nothing.
 */
#include "netpold/compiler.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "store/changes.h"
#include "store/record.h"
#include "table/table.h"

struct compiler {
	struct cluster *cluster;
	struct snapshot_options options;
	struct table *table; /* NULL: to be begun from nothing */
	uint64_t n_snapshots;
	/* Of the last compilation; the objects are used (store/record.h). */
	struct policy_change *policies;
	size_t n_policies;
};

/* ---- life --------------------------------------------------------------- */

int compiler_new(struct cluster *cluster,
		 const struct snapshot_options *options, struct compiler **out,
		 struct err *err)
{
	struct compiler *compiler = calloc(1, sizeof(*compiler));
	const char *node_name = options ? options->node_name : NULL;

	if (!compiler)
		return err_set(err, -ENOMEM, "no memory to compile policies");
	if (options)
		compiler->options = *options;
	if (node_name) {
		node_name = intern(cluster_pool(cluster), node_name);
		compiler->options.node_name = node_name;
		if (!node_name) {
			free(compiler);
			return err_set(err, -ENOMEM,
				       "no memory to compile policies");
		}
	}
	if (!cluster_follow(cluster)) {
		intern_drop(cluster_pool(cluster), node_name);
		free(compiler);
		return err_set(err, -EBUSY,
			       "the cluster has a compiler already");
	}
	compiler->cluster = cluster;
	*out = compiler;
	return 0;
}

/* Of each change of a policy the object that tells of it, and the other way
   round. */
static const struct object *told_by(const struct policy_change *change)
{
	return (const struct object *)((uintptr_t)change->policy -
				       offsetof(struct object, policy));
}

static void forget_policies(struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->n_policies; i++)
		record_drop(cluster_pool(compiler->cluster),
			    told_by(&compiler->policies[i]));
	free(compiler->policies);
	compiler->policies = NULL;
	compiler->n_policies = 0;
}

void compiler_free(struct compiler *compiler)
{
	if (!compiler)
		return;
	forget_policies(compiler);
	cluster_unfollow(compiler->cluster);
	intern_drop(cluster_pool(compiler->cluster),
		    compiler->options.node_name);
	if (compiler->table)
		table_abandon(compiler->table);
	free(compiler);
}

void compiler_freep(struct compiler **compiler)
{
	compiler_free(*compiler);
}

/* ---- all objects, or those that have changed ---------------------------- */

struct taking {
	struct table *table;
	size_t n;
};

static int take_object(void *ctx, const struct object *object)
{
	struct taking *taking = ctx;

	taking->n++;
	return table_change(taking->table, NULL, object);
}

/* What others are judged by comes first, so that nothing is done twice. */
static const enum object_kind order[N_OBJECT_KINDS] = {
	OBJECT_NAMESPACE,
	OBJECT_NODE,
	OBJECT_POD,
	OBJECT_NETWORK_POLICY,
};

static int take_all(struct table *table, const struct cluster *cluster,
		    size_t *n)
{
	struct taking taking = { table, 0 };
	int r = 0;

	for (size_t i = 0; i < N_OBJECT_KINDS && r == 0; i++)
		r = cluster_each(cluster, order[i], take_object, &taking);
	*n = taking.n;
	return r;
}

static int take_changes(struct table *table, const struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		int r = table_change(table, changes->items[i].old,
				     changes->items[i].new);

		if (r < 0)
			return r;
	}
	return 0;
}

static const struct object *policy_of(const struct change *change)
{
	const struct object *object = change->new ? change->new : change->old;

	return object->kind == OBJECT_NETWORK_POLICY ? object : NULL;
}

/* Those among the changes; they are few, or all is compiled. */
static int keep_policies(struct compiler *compiler,
			 const struct changes *changes)
{
	size_t n = 0;

	for (size_t i = 0; i < changes->n; i++)
		n += policy_of(&changes->items[i]) != NULL;
	if (n == 0)
		return 0;
	compiler->policies = calloc(n, sizeof(*compiler->policies));
	if (!compiler->policies)
		return -ENOMEM;
	for (size_t i = 0; i < changes->n; i++) {
		const struct object *object = policy_of(&changes->items[i]);

		if (!object)
			continue;
		compiler->policies[compiler->n_policies++] =
			(struct policy_change){
				.policy = &record_use(object)->policy,
				.gone = !changes->items[i].new,
			};
	}
	return 0;
}

/* ---- one compilation ---------------------------------------------------- */

static void begin_report(struct table *table)
{
	placement_begin_report(table);
	table->n_new_identities = 0;
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		table->may_deny[dir] = false;
	table->peer_sets.n_built = 0;
	table->rule_tables.n_built = 0;
}

static void end_report(struct table *table, struct update *update)
{
	placement_end_report(table);
	update->n_identities = table->n_new_identities;
	update->n_peer_sets = table->peer_sets.n_built;
	update->n_rule_tables = table->rule_tables.n_built;
	update->addresses = table->touched;
	update->n_addresses = table->n_touched;
	/* What was there before this table, nobody knows. */
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		update->may_deny[dir] =
			table->may_deny[dir] || update->from_nothing;
	update->contests = table->contests;
	update->n_contests = table->n_contests;
}

static int compile(struct compiler *compiler, struct update *update,
		   struct snapshot **out)
{
	struct changes *changes = cluster_changes(compiler->cluster);
	struct table *table = compiler->table;
	struct snapshot *snapshot;
	int r;

	update->n_objects = changes->n;
	update->from_nothing = !table;
	if (!table) {
		table = table_new(cluster_pool(compiler->cluster),
				  &compiler->options);
		if (!table)
			return -ENOMEM;
		compiler->table = table;
	}
	begin_report(table);
	r = update->from_nothing
		    ? take_all(table, compiler->cluster, &update->n_objects)
		    : take_changes(table, changes);
	if (r == 0 && !update->from_nothing)
		r = keep_policies(compiler, changes);
	if (r == 0)
		r = table_settle(table, compiler->cluster);
	if (r < 0)
		return r;
	snapshot = table_publish(table, compiler->n_snapshots + 1);
	if (!snapshot)
		return -ENOMEM;
	compiler->n_snapshots++;
	end_report(table, update);
	update->policies = compiler->policies;
	update->n_policies = compiler->n_policies;
	*out = snapshot;
	return 0;
}

int compiler_compile(struct compiler *compiler, struct snapshot **out,
		     struct update *update, struct err *err)
{
	struct changes *changes = cluster_changes(compiler->cluster);
	struct update report = { 0 };
	int r;

	if (changes->lost && compiler->table) {
		table_abandon(compiler->table);
		compiler->table = NULL;
	}
	forget_policies(compiler);
	r = compile(compiler, &report, out);
	/* A table that has failed is begun anew from all objects. */
	changes_clear(changes, cluster_pool(compiler->cluster));
	if (r == 0 && update)
		*update = report;
	if (r == 0)
		return 0;
	if (compiler->table)
		table_abandon(compiler->table);
	compiler->table = NULL;
	return err_set(err, r, "no memory to compile policies");
}

struct compiler_memory compiler_memory(const struct compiler *compiler)
{
	const size_t *bytes;

	if (!compiler->table)
		return (struct compiler_memory){ 0 };
	bytes = compiler->table->parts.bytes;
	return (struct compiler_memory){
		.addresses = bytes[PART_ADDRESSES],
		.identities = bytes[PART_IDENTITIES],
		.peers = bytes[PART_PEERS],
		.rules = bytes[PART_RULES],
		.index = bytes[PART_INDEX],
	};
}

/* ---- one snapshot, and no more ------------------------------------------ */

int snapshot_compile(const struct cluster *cluster,
		     const struct snapshot_options *options,
		     struct snapshot **out, struct err *err)
{
	struct table *table = table_new(cluster_pool(cluster), options);
	struct snapshot *snapshot = NULL;
	size_t n;
	int r = table ? take_all(table, cluster, &n) : -ENOMEM;

	if (r == 0)
		r = table_settle(table, cluster);
	if (r == 0)
		snapshot = table_publish(table, 1);
	/* It is the snapshot's from here on. */
	if (table)
		table_abandon(table);
	if (!snapshot)
		return err_set(err, -ENOMEM, "no memory to compile policies");
	*out = snapshot;
	return 0;
}
