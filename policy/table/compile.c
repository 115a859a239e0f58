/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiler is a pair of tables that follow a cluster. Should memory run out
 * in the middle of a change, they are of no more use: they are left to the
 * snapshots that were made of them, and the next compilation begins new ones
 * from nothing.
 */
#include "netpold/compiler.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "store/changes.h"
#include "store/record.h"
#include "table/table.h"
#include "table/tables.h"

struct compiler {
	struct cluster *cluster;
	struct snapshot_options options;
	struct tables tables; /* of none: to be begun from nothing */
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
	tables_abandon(&compiler->tables);
	free(compiler);
}

void compiler_freep(struct compiler **compiler)
{
	compiler_free(*compiler);
}

/* ---- what has changed --------------------------------------------------- */

static int take_changes(struct tables *tables, const struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		int r = tables_change(tables, changes->items[i].old,
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

static void count_work(const struct table *table, struct update *update)
{
	update->n_identities += table->n_new_identities;
	update->n_peer_sets += table->peer_sets.n_built;
	update->n_rule_tables += table->rule_tables.n_built;
}

static void end_report(struct table *table, struct update *update)
{
	placement_end_report(table);
	count_work(table, update);
	update->addresses = table->touched;
	update->n_addresses = table->n_touched;
	/* What was there before this table, nobody knows. */
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		update->may_deny[dir] =
			table->may_deny[dir] || update->from_nothing;
	update->contests = table->contests;
	update->n_contests = table->n_contests;
}

static void end_planned_report(const struct tables *tables,
			       struct update *update)
{
	struct table *table = tables->planned;

	if (!table)
		return;
	placement_end_report(table);
	count_work(table, update);
	update->planned_from_nothing = tables->planned_is_new;
	update->planned_addresses = table->touched;
	update->n_planned_addresses = table->n_touched;
}

static int compile(struct compiler *compiler, struct update *update,
		   struct snapshot **out)
{
	struct changes *changes = cluster_changes(compiler->cluster);
	struct intern_pool *pool = cluster_pool(compiler->cluster);
	struct tables *tables = &compiler->tables;
	struct snapshot *snapshot;
	int r = 0;

	update->n_objects = changes->n;
	update->from_nothing = !tables->enforced;
	if (update->from_nothing)
		r = tables_init(tables, pool, &compiler->options);
	if (r < 0)
		return r;
	begin_report(tables->enforced);
	if (tables->planned)
		begin_report(tables->planned);
	r = update->from_nothing ? tables_take_all(tables, compiler->cluster,
						   &update->n_objects)
				 : take_changes(tables, changes);
	if (r == 0 && !update->from_nothing)
		r = keep_policies(compiler, changes);
	if (r == 0)
		r = tables_settle(tables, compiler->cluster, pool,
				  &compiler->options);
	if (r < 0)
		return r;
	snapshot = tables_publish(tables, compiler->n_snapshots + 1);
	if (!snapshot)
		return -ENOMEM;
	compiler->n_snapshots++;
	end_report(tables->enforced, update);
	end_planned_report(tables, update);
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

	if (changes->lost)
		tables_abandon(&compiler->tables);
	forget_policies(compiler);
	r = compile(compiler, &report, out);
	/* Tables that have failed are begun anew from all objects. */
	changes_clear(changes, cluster_pool(compiler->cluster));
	if (r == 0 && update)
		*update = report;
	if (r == 0)
		return 0;
	tables_abandon(&compiler->tables);
	return err_set(err, r, "no memory to compile policies");
}

static void add_memory(const struct table *table, struct compiler_memory *sum)
{
	const size_t *bytes = table->parts.bytes;

	sum->addresses += bytes[PART_ADDRESSES];
	sum->identities += bytes[PART_IDENTITIES];
	sum->peers += bytes[PART_PEERS];
	sum->rules += bytes[PART_RULES];
	sum->index += bytes[PART_INDEX];
}

struct compiler_memory compiler_memory(const struct compiler *compiler)
{
	struct compiler_memory sum = { 0 };

	if (compiler->tables.enforced)
		add_memory(compiler->tables.enforced, &sum);
	if (compiler->tables.planned)
		add_memory(compiler->tables.planned, &sum);
	return sum;
}

/* ---- one snapshot, and no more ------------------------------------------ */

int snapshot_compile(const struct cluster *cluster,
		     const struct snapshot_options *options,
		     struct snapshot **out, struct err *err)
{
	struct intern_pool *pool = cluster_pool(cluster);
	struct snapshot *snapshot = NULL;
	struct tables tables;
	size_t n;
	int r = tables_init(&tables, pool, options);

	if (r == 0)
		r = tables_take_all(&tables, cluster, &n);
	if (r == 0)
		r = tables_settle(&tables, cluster, pool, options);
	if (r == 0)
		snapshot = tables_publish(&tables, 1);
	/* They are the snapshot's from here on. */
	tables_abandon(&tables);
	if (!snapshot)
		return err_set(err, -ENOMEM, "no memory to compile policies");
	*out = snapshot;
	return 0;
}
