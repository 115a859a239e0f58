/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two tables of one cluster differ in the policies that they are told of, and
 * in nothing else: the one that packets obey never hears of what is staged.
 * What changes its mode comes there, or goes, like any other policy.
 *
 *	                 enforced        planned
 *	a pod, a node    it              it
 *	a policy         it              it
 *	one staged       -               it
 *	enforce -> audit goes            changes
 *
 * The second is made of all objects when the first policy is staged, and is let
 * go when the last one is not any more. Who stages nothing pays for nothing.
 */
#include "table/tables.h"

#include <errno.h>

#include "table/snapshot_parts.h"

int tables_init(struct tables *tables, struct intern_pool *pool,
		const struct snapshot_options *options)
{
	*tables = (struct tables){
		.enforced = table_new(pool, options),
		.enforces_staged = options && options->enforce_staged,
	};
	return tables->enforced ? 0 : -ENOMEM;
}

void tables_abandon(struct tables *tables)
{
	if (tables->enforced)
		table_abandon(tables->enforced);
	if (tables->planned)
		table_abandon(tables->planned);
	*tables = (struct tables){ 0 };
}

/* ---- changes ------------------------------------------------------------ */

static bool is_staged(const struct tables *tables, const struct object *object)
{
	return object && object->kind == OBJECT_NETWORK_POLICY &&
	       object->policy.staged && !tables->enforces_staged;
}

int tables_change(struct tables *tables, const struct object *old,
		  const struct object *new)
{
	bool was_staged = is_staged(tables, old);
	bool staged = is_staged(tables, new);
	const struct object *before = was_staged ? NULL : old;
	const struct object *after = staged ? NULL : new;
	int r = 0;

	tables->n_staged += (size_t)staged - was_staged;
	if (before || after)
		r = table_change(tables->enforced, before, after);
	if (r == 0 && tables->planned)
		r = table_change(tables->planned, old, new);
	return r;
}

/* ---- all objects -------------------------------------------------------- */

/* What others are judged by comes first, so that nothing is done twice. */
static const enum object_kind order[N_OBJECT_KINDS] = {
	OBJECT_NAMESPACE,
	OBJECT_NODE,
	OBJECT_POD,
	OBJECT_NETWORK_POLICY,
};

static int each(const struct cluster *cluster, cluster_object_fn take,
		void *ctx)
{
	int r = 0;

	for (size_t i = 0; i < N_OBJECT_KINDS && r == 0; i++)
		r = cluster_each(cluster, order[i], take, ctx);
	return r;
}

struct taking {
	struct tables *tables;
	size_t n;
};

static int take_object(void *ctx, const struct object *object)
{
	struct taking *taking = ctx;

	taking->n++;
	return tables_change(taking->tables, NULL, object);
}

int tables_take_all(struct tables *tables, const struct cluster *cluster,
		    size_t *n)
{
	struct taking taking = { tables, 0 };
	int r = each(cluster, take_object, &taking);

	*n = taking.n;
	return r;
}

/* ---- what is planned ---------------------------------------------------- */

static int plan_object(void *ctx, const struct object *object)
{
	return table_change(ctx, NULL, object);
}

static int settle_planned(struct tables *tables, const struct cluster *cluster,
			  struct intern_pool *pool,
			  const struct snapshot_options *options)
{
	int r = 0;

	tables->planned_is_new = false;
	if (tables->n_staged == 0) {
		if (tables->planned)
			table_abandon(tables->planned);
		tables->planned = NULL;
		return 0;
	}
	if (!tables->planned) {
		tables->planned = table_new(pool, options);
		if (!tables->planned)
			return -ENOMEM;
		tables->planned_is_new = true;
		r = each(cluster, plan_object, tables->planned);
	}
	return r == 0 ? table_settle(tables->planned, cluster) : r;
}

int tables_settle(struct tables *tables, const struct cluster *cluster,
		  struct intern_pool *pool,
		  const struct snapshot_options *options)
{
	int r = table_settle(tables->enforced, cluster);

	return r == 0 ? settle_planned(tables, cluster, pool, options) : r;
}

struct snapshot *tables_publish(struct tables *tables, uint64_t number)
{
	struct snapshot *snapshot = table_publish(tables->enforced, number);

	if (!snapshot || !tables->planned)
		return snapshot;
	snapshot->counts.staged_policies = tables->n_staged;
	snapshot->planned = table_publish(tables->planned, number);
	if (!snapshot->planned) {
		snapshot_free(snapshot);
		return NULL;
	}
	return snapshot;
}
