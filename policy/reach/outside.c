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

/* Addresses of pods, of one family. */
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

/* Also of pods that one snapshot alone has. */
static int list_taken(const struct reach *reach, int family,
		      struct taken *taken)
{
	size_t room = 0, n = 0;

	for (size_t v = 0; v < reach->n_views; v++)
		room += reach->views[v].snapshot->maps[family].n;
	taken->items = calloc(room + 1, sizeof(*taken->items));
	if (!taken->items)
		return -ENOMEM;
	for (size_t v = 0; v < reach->n_views; v++)
		address_map_each(&reach->views[v].snapshot->maps[family], take,
				 taken);
	qsort(taken->items, taken->n, sizeof(*taken->items), compare_taken);
	for (size_t i = 0; i < taken->n; i++) {
		if (n == 0 || taken->items[n - 1] != taken->items[i])
			taken->items[n++] = taken->items[i];
	}
	taken->n = n;
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

static void pick_example(const struct stretch *s, struct reach_range *range)
{
	enum ip_family family = range->first.family;
	addr_number found;

	range->is_documented = find_documented(s, family, &found);
	/* The first one is often the name of a network. */
	if (!range->is_documented &&
	    (s->last == s->first || !find_free(s, s->first + 1, &found)))
		find_free(s, s->first, &found);
	range->example = addr_number_to(found, family);
}

static void add_range(struct reach *reach, const struct cuts *cuts, size_t i,
		      const struct taken *taken, size_t *at)
{
	struct stretch s = { cuts->items[i].first, cuts_last(cuts, i),
			     taken->items + *at, 0 };
	struct reach_range *range;

	while (*at < taken->n && taken->items[*at] <= s.last)
		++*at, s.n_taken++;
	if (s.last - s.first < s.n_taken)
		return; /* all of it is pods' */
	range = &reach->ranges[reach->n_ranges++];
	range->first = addr_number_to(s.first, cuts->family);
	range->last = addr_number_to(s.last, cuts->family);
	range->class = cuts->items[i].class;
	pick_example(&s, range);
}

int outside_list(struct reach *reach)
{
	reach->ranges =
		arena_array(&reach->arena, reach->cuts[0].n + reach->cuts[1].n,
			    sizeof(*reach->ranges));
	if (!reach->ranges)
		return -ENOMEM;
	for (int f = 0; f < 2; f++) {
		struct taken taken = { 0 };
		size_t at = 0;

		if (list_taken(reach, f, &taken) < 0)
			return -ENOMEM;
		for (size_t i = 0; i < reach->cuts[f].n; i++)
			add_range(reach, &reach->cuts[f], i, &taken, &at);
		free(taken.items);
	}
	return 0;
}
