/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoints sorted into classes: told apart by everything that a table may tell
 * them apart by, in each snapshot. Pods come first, then ranges outside.
 */
#include <errno.h>
#include <stdlib.h>

#include "reach/identity_index.h"
#include "reach/outside.h"
#include "reach/own_node.h"
#include "reach/partition.h"
#include "reach/sort_names.h"
#include "table/snapshot_parts.h"

struct sorting {
	struct reach *reach;
	const struct reach_options *options;
	struct arena scratch;
	struct partition partition;
	size_t n; /* pods and ranges */
	uint32_t *keys;
	uint32_t *things; /* of a set */
	size_t n_things;
};

/* ---- what tells them apart ---------------------------------------------- */

static const struct ip_addr *addr_of(const struct reach *reach, size_t i,
				     size_t view)
{
	return i < reach->pods.n ? &reach->pods.items[i].addrs[view]
				 : &reach->ranges[i - reach->pods.n].first;
}

static bool is_inside(const struct sorting *s, size_t i)
{
	const struct reach_options *options = s->options;

	return i < s->reach->pods.n && options->is_inside &&
	       options->is_inside(options->is_inside_ctx,
				  s->reach->pods.items[i].pods[0]);
}

static int split_by_kind(struct sorting *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->keys[i] = map_of(addr_of(s->reach, i, 0)) |
			     (uint32_t)(i < s->reach->pods.n) << 1 |
			     (uint32_t)is_inside(s, i) << 2;
	return partition_split_by_key(&s->partition, s->keys);
}

static int split_by_blocks(struct sorting *s, size_t view)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ip_addr *addr = addr_of(s->reach, i, view);
		const struct cuts *cuts = &s->reach->cuts[map_of(addr)];
		size_t at = cuts_find(cuts, addr_number_of(addr));

		s->keys[i] = cuts->items[at].class;
	}
	return partition_split_by_key(&s->partition, s->keys);
}

static int split_by_rules(struct sorting *s, size_t v, enum direction dir)
{
	const struct view *view = &s->reach->views[v];
	const uint32_t *identities = s->reach->pods.identities[v];

	for (size_t i = 0; i < s->n; i++) {
		const struct rule_terms *rules = NULL;

		if (i < s->reach->pods.n)
			rules = view_find_rules(
				view, dir,
				identity_views_get(view->snapshot->views,
						   identities[i])
					->rules[dir]);
		s->keys[i] =
			rules ? (uint32_t)(rules - view->rules[dir]) + 1 : 0;
	}
	return partition_split_by_key(&s->partition, s->keys);
}

static void gather(void *ctx, const uint32_t *pods, size_t n)
{
	struct sorting *s = ctx;

	for (size_t i = 0; i < n; i++)
		s->things[s->n_things++] = pods[i];
}

static void split_by_peers(struct sorting *s, const struct view *view,
			   const struct identity_index *index)
{
	for (size_t i = 0; i < view->n_crowds; i++) {
		struct member member = view->crowds[i].member;

		if (member_kind(member) != MEMBER_PEERS)
			continue;
		s->n_things = 0;
		identity_index_each(index, member_what(member), gather, s);
		partition_split(&s->partition, s->things, s->n_things);
	}
}

static int split_by_view(struct sorting *s, size_t v)
{
	const struct view *view = &s->reach->views[v];
	struct identity_index index;
	int r = split_by_blocks(s, v);

	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
		r = split_by_rules(s, v, dir);
	if (r == 0)
		r = identity_index_make(&s->scratch, s->reach, v, &index);
	if (r < 0)
		return r;
	split_by_peers(s, view, &index);
	return sort_by_names(view, &index, &s->partition);
}

/* What nobody but their own node is in says nothing about them. */
static void split_by_own_node(struct sorting *s)
{
	const struct reach *reach = s->reach;

	for (size_t i = 0; i < reach->n_node_classes; i++) {
		const struct node_class *nodes = &reach->node_classes[i];

		s->n_things = 0;
		for (uint32_t k = 0; k < reach->pods.n; k++) {
			if (own_node_is_all(reach, nodes, k))
				s->things[s->n_things++] = k;
		}
		partition_split(&s->partition, s->things, s->n_things);
	}
}

/* ---- classes ------------------------------------------------------------ */

/* A class by its first endpoint. */
struct order {
	uint32_t class; /* of the partition */
	uint32_t key;	/* family, then whether it is outside */
	uint32_t first;
};

static int compare_orders(const void *a, const void *b)
{
	const struct order *p = a, *q = b;

	if (p->key != q->key)
		return p->key < q->key ? -1 : 1;
	if (p->first != q->first)
		return p->first < q->first ? -1 : 1;
	return 0;
}

static struct order *order_classes(struct sorting *s)
{
	uint32_t n = s->partition.n_classes;
	struct order *orders = arena_array(&s->scratch, n, sizeof(*orders));

	if (!orders)
		return NULL;
	for (size_t i = s->n; i-- > 0;) {
		struct order *order = &orders[s->partition.classes[i]];

		order->class = s->partition.classes[i];
		order->first = (uint32_t)i;
		order->key = map_of(addr_of(s->reach, i, 0)) << 1 |
			     (i >= s->reach->pods.n);
	}
	if (n > 1)
		qsort(orders, n, sizeof(*orders), compare_orders);
	return orders;
}

/* What can be said of a class by its first endpoint. */
static void describe(const struct sorting *s, struct reach_class *class,
		     size_t first)
{
	class->family = addr_of(s->reach, first, 0)->family;
	class->is_outside = first >= s->reach->pods.n;
	class->is_inside = is_inside(s, first);
}

/* Members in the order of their numbers, those of one class in a row. */
static int list_members(struct sorting *s, const uint32_t *numbers)
{
	struct reach *reach = s->reach;
	uint32_t *members = arena_array(&reach->arena, s->n, sizeof(*members));
	uint32_t **ends =
		arena_array(&s->scratch, reach->n_classes, sizeof(*ends));

	if (!members || !ends)
		return -ENOMEM;
	for (size_t i = 0; i < reach->n_classes; i++) {
		ends[i] = members;
		reach->classes[i].members = members;
		members += reach->classes[i].n_members;
	}
	for (size_t i = 0; i < s->n; i++) {
		uint32_t class = numbers[s->partition.classes[i]];
		bool is_pod = i < reach->pods.n;

		*ends[class]++ = (uint32_t)(is_pod ? i : i - reach->pods.n);
		if (is_pod)
			reach->pods.items[i].class = class;
		else
			reach->ranges[i - reach->pods.n].class = class;
	}
	return 0;
}

static int make_classes(struct sorting *s)
{
	struct reach *reach = s->reach;
	uint32_t n = s->partition.n_classes;
	struct order *orders = order_classes(s);
	uint32_t *numbers = arena_array(&s->scratch, n, sizeof(*numbers));

	reach->classes = arena_array(&reach->arena, n, sizeof(*reach->classes));
	if (!orders || !numbers || !reach->classes)
		return -ENOMEM;
	reach->n_classes = n;
	for (uint32_t i = 0; i < n; i++) {
		numbers[orders[i].class] = i;
		reach->classes[i].n_members =
			s->partition.sizes[orders[i].class];
		describe(s, &reach->classes[i], orders[i].first);
	}
	return list_members(s, numbers);
}

/* ---- all of it ---------------------------------------------------------- */

static int sort_all(struct sorting *s)
{
	int r = partition_init(&s->partition, &s->scratch, s->n);

	s->keys = arena_array(&s->scratch, s->n, sizeof(*s->keys));
	s->things = arena_array(&s->scratch, s->n, sizeof(*s->things));
	if (r < 0 || !s->keys || !s->things)
		return -ENOMEM;
	r = split_by_kind(s);
	for (size_t v = 0; v < s->reach->n_views && r == 0; v++)
		r = split_by_view(s, v);
	if (r == 0) {
		split_by_own_node(s);
		r = make_classes(s);
	}
	return r < 0 ? r : own_node_index(s->reach);
}

int reach_sort(struct reach *reach, const struct reach_options *options)
{
	struct sorting sorting = { .reach = reach, .options = options };
	int r = outside_cut(reach);

	if (r == 0)
		r = outside_list(reach);
	if (r == 0)
		r = own_node_find(reach);
	sorting.n = reach->pods.n + reach->n_ranges;
	if (r == 0)
		r = sort_all(&sorting);
	arena_release(&sorting.scratch);
	return r;
}
