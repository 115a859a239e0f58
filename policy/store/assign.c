/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Make one cluster hold what another holds, all of it or some bundles of it.
 *
 * Kind by kind, everything is put before anything is deleted: an object that
 * has only moved from one file to another is never gone in between, and
 * neither is what its end would lead to (NP-66). To see what is left over, the
 * records of the bundles are set aside first; what is put leaves there, and
 * what remains is deleted.
 */
#include "netpold/cluster.h"

#include "store/cluster_parts.h"

struct assignment {
	struct cluster *to;
	int64_t now_ms;
	bool changed;
	struct record *aside[N_OBJECT_KINDS]; /* of bundles, and not put yet */
};

static int assign_object(void *ctx, const struct object *object)
{
	struct assignment *assignment = ctx;
	int r = cluster_put_in(assignment->to, record_of(object)->bundle,
			       object, assignment->now_ms);

	if (r > 0)
		assignment->changed = true;
	return r < 0 ? r : 0;
}

/* ---- all of it ---------------------------------------------------------- */

int cluster_assign(struct cluster *cluster, const struct cluster *from,
		   int64_t now_ms)
{
	struct assignment assignment = { .to = cluster, .now_ms = now_ms };
	int r;

	for (int kind = 0; kind < N_OBJECT_KINDS; kind++) {
		cluster_replace_begin(cluster, kind);
		r = cluster_each(from, kind, assign_object, &assignment);
		if (r < 0) {
			cluster_replace_abort(cluster, kind);
			return r;
		}
		r = cluster_replace_end(cluster, kind, now_ms);
		if (r < 0)
			return r;
		if (r > 0)
			assignment.changed = true;
	}
	return assignment.changed;
}

/* ---- some bundles ------------------------------------------------------- */

static int delete_aside(struct assignment *assignment, enum object_kind kind)
{
	struct cluster *cluster = assignment->to;
	const struct record *record;

	while ((record = assignment->aside[kind])) {
		const struct object *object = record_use(&record->object);
		int r = cluster_delete(cluster, object, assignment->now_ms);

		record_drop(cluster->pool, object);
		if (r < 0)
			return r;
		if (r > 0)
			assignment->changed = true;
	}
	return 0;
}

static int assign_kinds(struct assignment *assignment,
			const struct cluster *from)
{
	for (int kind = 0; kind < N_OBJECT_KINDS; kind++) {
		int r = cluster_each(from, kind, assign_object, assignment);

		if (r == 0)
			r = delete_aside(assignment, kind);
		if (r < 0)
			return r;
	}
	return assignment->changed;
}

/* Each names its bundle still. */
static void put_back(struct assignment *assignment)
{
	struct bundles *bundles = &assignment->to->bundles;
	struct record *record;

	for (int kind = 0; kind < N_OBJECT_KINDS; kind++) {
		while ((record = assignment->aside[kind]))
			bundles_take(bundles, record, record->bundle);
	}
}

int cluster_assign_bundles(struct cluster *cluster, const uint32_t *bundles,
			   size_t n_bundles, const struct cluster *from,
			   int64_t now_ms)
{
	struct assignment assignment = { .to = cluster, .now_ms = now_ms };
	int r;

	for (size_t i = 0; i < n_bundles; i++)
		bundles_set_aside(&cluster->bundles, bundles[i],
				  assignment.aside);
	r = assign_kinds(&assignment, from);
	put_back(&assignment);
	return r;
}
