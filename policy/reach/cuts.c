/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reach/cuts.h"

#include <errno.h>
#include <stdlib.h>

#include "reach/partition.h"

/* ---- where to cut ------------------------------------------------------- */

static size_t n_ranges(const struct block_set *set, enum ip_family family)
{
	return family == IP_V4 ? set->n_v4 : set->n_v6;
}

static struct range_v6 range_at(const struct block_set *set,
				enum ip_family family, size_t i)
{
	return family == IP_V4
		       ? (struct range_v6){ set->v4[i].first, set->v4[i].last }
		       : set->v6[i];
}

static int compare_cuts(const void *a, const void *b)
{
	const struct cut *p = a, *q = b;

	if (p->first != q->first)
		return p->first < q->first ? -1 : 1;
	return 0;
}

static void cut_at(struct cuts *cuts, addr_number first)
{
	cuts->items[cuts->n++].first = first;
}

static void cut_around(struct cuts *cuts, const struct block_set *set)
{
	for (size_t i = 0; i < n_ranges(set, cuts->family); i++) {
		struct range_v6 range = range_at(set, cuts->family, i);

		cut_at(cuts, range.first);
		if (range.last != addr_number_last(cuts->family))
			cut_at(cuts, range.last + 1);
	}
}

static int make_cuts(struct arena *arena, struct cuts *cuts,
		     const struct block_set *const *sets, size_t n_sets)
{
	size_t room = 1, n = 0;

	for (size_t i = 0; i < n_sets; i++)
		room += 2 * n_ranges(sets[i], cuts->family);
	cuts->items = arena_array(arena, room, sizeof(*cuts->items));
	if (!cuts->items)
		return -ENOMEM;
	cut_at(cuts, 0);
	for (size_t i = 0; i < n_sets; i++)
		cut_around(cuts, sets[i]);
	qsort(cuts->items, cuts->n, sizeof(*cuts->items), compare_cuts);
	for (size_t i = 0; i < cuts->n; i++) {
		if (n == 0 ||
		    compare_cuts(&cuts->items[n - 1], &cuts->items[i]))
			cuts->items[n++] = cuts->items[i];
	}
	cuts->n = n;
	return 0;
}

size_t cuts_find(const struct cuts *cuts, addr_number addr)
{
	size_t low = 0, n = cuts->n;

	while (n > 1) {
		size_t half = n / 2;

		if (cuts->items[low + half].first <= addr)
			low += half;
		n -= half;
	}
	return low;
}

addr_number cuts_last(const struct cuts *cuts, size_t i)
{
	return i + 1 < cuts->n ? cuts->items[i + 1].first - 1
			       : addr_number_last(cuts->family);
}

/* ---- what is alike ------------------------------------------------------ */

/* A set is made of whole cuts. */
static void split_by(struct partition *partition, const struct cuts *cuts,
		     const struct block_set *set, uint32_t *inside)
{
	size_t n = 0;

	for (size_t i = 0; i < n_ranges(set, cuts->family); i++) {
		struct range_v6 range = range_at(set, cuts->family, i);
		size_t at = cuts_find(cuts, range.first);

		for (; at < cuts->n && cuts->items[at].first <= range.last;
		     at++)
			inside[n++] = (uint32_t)at;
	}
	partition_split(partition, inside, n);
}

/* Neighbours that nothing tells apart are one. */
static void merge(struct cuts *cuts)
{
	size_t n = 0;

	for (size_t i = 0; i < cuts->n; i++) {
		if (n == 0 || cuts->items[n - 1].class != cuts->items[i].class)
			cuts->items[n++] = cuts->items[i];
	}
	cuts->n = n;
}

int cuts_make(struct arena *arena, enum ip_family family,
	      const struct block_set *const *sets, size_t n_sets,
	      struct cuts *out)
{
	struct cuts cuts = { .family = family };
	struct arena scratch = { 0 };
	struct partition partition;
	uint32_t *inside;
	int r = make_cuts(arena, &cuts, sets, n_sets);

	if (r == 0)
		r = partition_init(&partition, &scratch, cuts.n);
	inside = arena_array(&scratch, cuts.n, sizeof(*inside));
	if (r < 0 || !inside) {
		arena_release(&scratch);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n_sets; i++)
		split_by(&partition, &cuts, sets[i], inside);
	for (size_t i = 0; i < cuts.n; i++)
		cuts.items[i].class = partition.classes[i];
	cuts.n_classes = partition.n_classes;
	merge(&cuts);
	arena_release(&scratch);
	*out = cuts;
	return 0;
}
