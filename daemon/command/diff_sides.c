/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/diff_sides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *diff_kind_name(enum diff_kind kind)
{
	static const char *const names[N_DIFF_KINDS] = {
		[DIFF_PODS] = "pods",
		[DIFF_ADDRESSES] = "addresses",
		[DIFF_NAMESPACES] = "namespaces",
		[DIFF_POLICIES] = "policies",
	};

	return names[kind];
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *join(struct arena *arena, const char *namespace,
			const char *name)
{
	size_t size = strlen(namespace) + strlen(name) + 2;
	char *text = arena_alloc(arena, size);

	if (text)
		snprintf(text, size, "%s/%s", namespace, name);
	return text;
}

/* ---- namespaces and policies -------------------------------------------- */

struct listing {
	struct arena *arena;
	const struct cluster *other;
	struct diff_names *out;
};

static int add_object(void *ctx, const struct object *object)
{
	const struct listing *l = ctx;
	const char *name;

	if (cluster_has(l->other, object))
		return 0;
	name = object->kind == OBJECT_NAMESPACE
		       ? arena_strdup(l->arena, object->namespace.name)
		       : join(l->arena, object->policy.namespace,
			      object->policy.name);
	l->out->items[l->out->n++] = name;
	return name ? 0 : -ENOMEM;
}

static int count_object(void *ctx, const struct object *object)
{
	(void)object;
	++*(size_t *)ctx;
	return 0;
}

static int list_objects(struct arena *arena, const struct cluster *cluster,
			const struct cluster *other, enum object_kind kind,
			struct diff_names *out)
{
	struct listing listing = { arena, other, out };
	size_t n = 0;
	int r;

	cluster_each(cluster, kind, count_object, &n);
	out->items = arena_array(arena, n, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	r = cluster_each(cluster, kind, add_object, &listing);
	if (r == 0 && out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), compare_names);
	return r;
}

/* ---- pods --------------------------------------------------------------- */

static const char *name_leftover(struct arena *arena,
				 const struct reach_leftover *leftover)
{
	char name[512];

	if (!leftover->family)
		return join(arena, leftover->pod->namespace,
			    leftover->pod->name);
	snprintf(name, sizeof(name), "%s %s", leftover->pod->name,
		 leftover->family == IP_V4 ? "IPv4" : "IPv6");
	return join(arena, leftover->pod->namespace, name);
}

static int list_pods(const struct reach *reach, struct diff_sides *out)
{
	size_t n;
	const struct reach_leftover *leftovers = reach_leftovers(reach, &n);

	for (int i = 0; i < 2 * REACH_MAX_VIEWS; i++) {
		struct diff_names *names =
			&out->only[i / 2][i % 2 ? DIFF_ADDRESSES : DIFF_PODS];

		names->items = arena_array(&out->arena, n, sizeof(char *));
		if (!names->items)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		struct diff_names *names =
			&out->only[leftovers[i].view][leftovers[i].family
							      ? DIFF_ADDRESSES
							      : DIFF_PODS];
		const char *name = name_leftover(&out->arena, &leftovers[i]);

		if (!name)
			return -ENOMEM;
		names->items[names->n++] = name;
	}
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		struct diff_names *names = &out->only[v][DIFF_ADDRESSES];

		if (names->n > 1)
			qsort(names->items, names->n, sizeof(*names->items),
			      compare_names);
	}
	return 0;
}

/* Addresses of one pod are neighbours. */
static void count_pods(const struct reach *reach, struct diff_sides *out)
{
	size_t n;
	const struct reach_pod *pods = reach_pods(reach, &n);

	for (size_t i = 0; i < n; i++) {
		const struct pod *old = pods[i].pods[REACH_OLD];
		const struct pod *new = pods[i].pods[REACH_NEW];

		if (i > 0 && pods[i - 1].pods[REACH_OLD] == old)
			continue;
		out->n_compared++;
		out->n_renamed += strcmp(old->name, new->name) != 0;
	}
}

int diff_sides_find(const struct offline worlds[REACH_MAX_VIEWS],
		    const struct grid *grid, struct diff_sides *out)
{
	int r;

	*out = (struct diff_sides){ 0 };
	count_pods(grid_reach(grid), out);
	r = list_pods(grid_reach(grid), out);
	for (int v = 0; v < REACH_MAX_VIEWS && r == 0; v++) {
		const struct cluster *here = worlds[v].cluster;
		const struct cluster *there = worlds[!v].cluster;

		r = list_objects(&out->arena, here, there, OBJECT_NAMESPACE,
				 &out->only[v][DIFF_NAMESPACES]);
		if (r == 0)
			r = list_objects(&out->arena, here, there,
					 OBJECT_NETWORK_POLICY,
					 &out->only[v][DIFF_POLICIES]);
	}
	return r;
}

void diff_sides_release(struct diff_sides *sides)
{
	arena_release(&sides->arena);
}
