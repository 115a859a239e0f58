/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reach/outside.h"

#include <errno.h>
#include <stdlib.h>

#include "table/snapshot_parts.h"

/* ---- cuts --------------------------------------------------------------- */

static bool has_family(const struct reach *reach, int family)
{
	for (size_t i = 0; i < reach->pods.n; i++) {
		if (map_of(&reach->pods.items[i].addrs[0]) ==
		    (unsigned int)family)
			return true;
	}
	return false;
}

static size_t list_blocks(const struct reach *reach,
			  const struct block_set **sets)
{
	size_t n = 0;

	for (size_t v = 0; v < reach->n_views; v++) {
		const struct view *view = &reach->views[v];

		for (size_t i = 0; i < view->n_crowds; i++) {
			struct member member = view->crowds[i].member;

			if (member_kind(member) == MEMBER_BLOCKS)
				sets[n++] = member_what(member);
		}
	}
	return n;
}

int outside_cut(struct reach *reach)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	const struct block_set **sets;
	size_t n = 0;
	int r = 0;

	for (size_t v = 0; v < reach->n_views; v++)
		n += reach->views[v].n_crowds;
	sets = calloc(n + 1, sizeof(void *));
	if (!sets)
		return -ENOMEM;
	n = list_blocks(reach, sets);
	for (int f = 0; f < 2 && r == 0; f++) {
		if (has_family(reach, f))
			r = cuts_make(&reach->arena, families[f], sets, n,
				      &reach->cuts[f]);
	}
	free(sets);
	return r;
}

/* ---- whose addresses they are not --------------------------------------- */

/* Addresses of pods, or of pods and nodes, of one family. */
struct taken {
	addr_number *items;
	size_t n;
};

static int take(void *ctx, const struct ip_addr *addr, struct placed placed)
{
	struct taken *taken = ctx;

	(void)placed;
	taken->items[taken->n++] = addr_number_of(addr);
	return 0;
}

static int compare_taken(const void *a, const void *b)
{
	const addr_number *p = a, *q = b;

	if (*p != *q)
		return *p < *q ? -1 : 1;
	return 0;
}

static void sort_taken(struct taken *taken)
{
	size_t n = 0;

	qsort(taken->items, taken->n, sizeof(*taken->items), compare_taken);
	for (size_t i = 0; i < taken->n; i++) {
		if (n == 0 || taken->items[n - 1] != taken->items[i])
			taken->items[n++] = taken->items[i];
	}
	taken->n = n;
}

static void take_hosts(const struct claims *claims, int family,
		       struct taken *taken)
{
	for (size_t i = 0; i < claims->n_buckets; i++) {
		for (const struct claim *claim = claims->buckets[i]; claim;
		     claim = claim->next) {
			if (claim->n_hosts > 0 &&
			    map_of(&claim->addr) == (unsigned int)family)
				taken->items[taken->n++] =
					addr_number_of(&claim->addr);
		}
	}
}

/* Also of pods that one snapshot alone has. */
static int list_taken(const struct reach *reach, int family, bool with_nodes,
		      struct taken *taken)
{
	size_t room = 0;

	for (size_t v = 0; v < reach->n_views; v++) {
		const struct snapshot *snapshot = reach->views[v].snapshot;

		room += snapshot->maps[family].n + snapshot->table->claims.n;
	}
	taken->items = calloc(room + 1, sizeof(*taken->items));
	if (!taken->items)
		return -ENOMEM;
	for (size_t v = 0; v < reach->n_views; v++) {
		const struct snapshot *snapshot = reach->views[v].snapshot;

		address_map_each(&snapshot->maps[family], take, taken);
		if (with_nodes)
			take_hosts(&snapshot->table->claims, family, taken);
	}
	sort_taken(taken);
	return 0;
}

/* ---- what is left ------------------------------------------------------- */

/* One cut: its addresses, and those that are taken of them. */
struct stretch {
	addr_number first, last;
	const addr_number *taken;
	size_t n_taken;
};

/* The first address from @from on that nobody has; behind the last: none. */
static bool find_free(const struct stretch *s, addr_number from,
		      addr_number *out)
{
	size_t i = 0;

	while (i < s->n_taken && s->taken[i] < from)
		i++;
	while (i < s->n_taken && s->taken[i] == from && from < s->last) {
		i++;
		from++;
	}
	*out = from;
	return i == s->n_taken || s->taken[i] != from;
}

/* Addresses that are set apart for examples (RFC 5737, RFC 3849). */
static bool find_documented(const struct stretch *s, enum ip_family family,
			    addr_number *out)
{
	static const struct ip_addr addrs[] = {
		{ { 192, 0, 2, 1 }, IP_V4 },
		{ { 198, 51, 100, 1 }, IP_V4 },
		{ { 203, 0, 113, 1 }, IP_V4 },
		{ { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, IP_V6 },
	};

	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		addr_number number = addr_number_of(&addrs[i]);

		if (addrs[i].family == family && number >= s->first &&
		    number <= s->last && find_free(s, number, out) &&
		    *out == number)
			return true;
	}
	return false;
}

/* False where nothing is free. */
static bool pick_example(const struct stretch *s, struct reach_range *range)
{
	enum ip_family family = range->first.family;
	addr_number found;

	if (s->last - s->first < s->n_taken)
		return false;
	range->is_documented = find_documented(s, family, &found);
	/* The first one is often the name of a network. */
	if (!range->is_documented &&
	    (s->last == s->first || !find_free(s, s->first + 1, &found)))
		find_free(s, s->first, &found);
	range->example = addr_number_to(found, family);
	return true;
}

/* What one of the lists has of a cut; cuts come in order. */
static struct stretch next_stretch(const struct cuts *cuts, size_t i,
				   const struct taken *taken, size_t *at)
{
	struct stretch s = { cuts->items[i].first, cuts_last(cuts, i),
			     taken->items + *at, 0 };

	while (*at < taken->n && taken->items[*at] <= s.last)
		++*at, s.n_taken++;
	return s;
}

static void add_range(struct reach *reach, const struct cuts *cuts, size_t i,
		      const struct stretch *without_pods,
		      const struct stretch *without_nodes)
{
	struct reach_range range = {
		.first = addr_number_to(without_pods->first, cuts->family),
		.last = addr_number_to(without_pods->last, cuts->family),
		.class = cuts->items[i].class,
	};

	range.is_nodes = !pick_example(without_nodes, &range);
	if (range.is_nodes && !pick_example(without_pods, &range))
		return; /* all of it is pods' */
	reach->ranges[reach->n_ranges++] = range;
}

static int list_family(struct reach *reach, int family)
{
	const struct cuts *cuts = &reach->cuts[family];
	struct taken pods = { 0 }, all = { 0 };
	size_t at_pods = 0, at_all = 0;
	int r = list_taken(reach, family, false, &pods);

	if (r == 0)
		r = list_taken(reach, family, true, &all);
	for (size_t i = 0; i < cuts->n && r == 0; i++) {
		const struct stretch without_pods =
			next_stretch(cuts, i, &pods, &at_pods);
		const struct stretch without_nodes =
			next_stretch(cuts, i, &all, &at_all);

		add_range(reach, cuts, i, &without_pods, &without_nodes);
	}
	free(pods.items);
	free(all.items);
	return r;
}

int outside_list(struct reach *reach)
{
	int r = 0;

	reach->ranges =
		arena_array(&reach->arena, reach->cuts[0].n + reach->cuts[1].n,
			    sizeof(*reach->ranges));
	if (!reach->ranges)
		return -ENOMEM;
	for (int f = 0; f < 2 && r == 0; f++)
		r = list_family(reach, f);
	return r;
}
