/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both families are worked on as 128-bit numbers, and written down in their own
 * size at the end. A block without its exceptions is what lies between them, in
 * order; ranges of several blocks are sorted by their beginning and merged.
 */
#include "table/block_set.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 number;

/* Ranges of one family, while they are made. */
struct ranges {
	struct range_v6 *items;
	size_t n;
};

number block_number_v6(const uint8_t bytes[16])
{
	number n = 0;

	for (int i = 0; i < 16; i++)
		n = n << 8 | bytes[i];
	return n;
}

static number number_of(const struct ip_addr *addr)
{
	return addr->family == IP_V4 ? block_number_v4(addr->bytes)
				     : block_number_v6(addr->bytes);
}

static struct range_v6 range_of(const struct cidr *cidr)
{
	int bits = (cidr->addr.family == IP_V4 ? 32 : 128) - cidr->prefix_len;
	number first = number_of(&cidr->addr);
	number rest = bits == 128 ? ~(number)0 : ((number)1 << bits) - 1;

	return (struct range_v6){ first, first | rest };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range_v6 *p = a, *q = b;

	if (p->first != q->first)
		return p->first < q->first ? -1 : 1;
	return 0;
}

static void sort_ranges(struct ranges *ranges)
{
	if (ranges->n > 1)
		qsort(ranges->items, ranges->n, sizeof(*ranges->items),
		      compare_ranges);
}

/* Ranges that overlap or touch become one. */
static void merge(struct ranges *ranges)
{
	size_t n = 0;

	sort_ranges(ranges);
	for (size_t i = 0; i < ranges->n; i++) {
		const struct range_v6 *r = &ranges->items[i];
		struct range_v6 *last = n ? &ranges->items[n - 1] : NULL;

		if (!last ||
		    (last->last != ~(number)0 && r->first > last->last + 1))
			ranges->items[n++] = *r;
		else if (r->last > last->last)
			last->last = r->last;
	}
	ranges->n = n;
}

/* Add what a block leaves when its exceptions, sorted, are taken away. */
static void add_block(struct ranges *ranges, const struct cidr *block,
		      const struct ranges *except)
{
	struct range_v6 whole = range_of(block);
	number at = whole.first;

	for (size_t i = 0; i < except->n; i++) {
		const struct range_v6 *e = &except->items[i];

		if (e->last < at || e->first > whole.last)
			continue;
		if (e->first > at)
			ranges->items[ranges->n++] =
				(struct range_v6){ at, e->first - 1 };
		if (e->last >= whole.last)
			return;
		at = e->last + 1;
	}
	ranges->items[ranges->n++] = (struct range_v6){ at, whole.last };
}

/* Exceptions of the other family take nothing away (NP-37). */
static int add_peer(struct arena *scratch, struct ranges *ranges,
		    const struct peer *peer)
{
	struct ranges except = { 0 };

	except.items =
		arena_array(scratch, peer->n_except, sizeof(*except.items));
	if (!except.items)
		return -1;
	for (size_t i = 0; i < peer->n_except; i++) {
		if (peer->except[i].addr.family == peer->block.addr.family)
			except.items[except.n++] = range_of(&peer->except[i]);
	}
	sort_ranges(&except);
	add_block(ranges, &peer->block, &except);
	return 0;
}

static const struct block_set *finish(struct arena *arena, struct ranges *v4,
				      struct ranges *v6)
{
	struct block_set *set = arena_alloc(arena, sizeof(*set));
	struct range_v4 *short_items;
	struct range_v6 *items;

	merge(v4);
	merge(v6);
	short_items = arena_array(arena, v4->n, sizeof(*short_items));
	items = arena_array(arena, v6->n, sizeof(*items));
	if (!set || !short_items || !items)
		return NULL;
	for (size_t i = 0; i < v4->n; i++)
		short_items[i] =
			(struct range_v4){ (uint32_t)v4->items[i].first,
					   (uint32_t)v4->items[i].last };
	if (v6->n)
		memcpy(items, v6->items, v6->n * sizeof(*items));
	*set = (struct block_set){ short_items, items, v4->n, v6->n };
	return set;
}

const struct block_set *block_set_new(struct arena *arena,
				      struct arena *scratch,
				      const struct peer *const *peers, size_t n)
{
	struct ranges v4 = { 0 }, v6 = { 0 };
	size_t room[2] = { 0 }; /* IPv4, IPv6 */

	for (size_t i = 0; i < n; i++)
		room[peers[i]->block.addr.family == IP_V6] +=
			peers[i]->n_except + 1;
	v4.items = arena_array(scratch, room[0], sizeof(*v4.items));
	v6.items = arena_array(scratch, room[1], sizeof(*v6.items));
	if (!v4.items || !v6.items)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		bool is_v6 = peers[i]->block.addr.family == IP_V6;

		if (add_peer(scratch, is_v6 ? &v6 : &v4, peers[i]) < 0)
			return NULL;
	}
	return finish(arena, &v4, &v6);
}

const struct block_set *block_set_unite(struct arena *arena,
					struct arena *scratch,
					const struct block_set *const *sets,
					size_t n)
{
	struct ranges v4 = { 0 }, v6 = { 0 };
	size_t n_v4 = 0, n_v6 = 0;

	for (size_t i = 0; i < n; i++) {
		n_v4 += sets[i]->n_v4;
		n_v6 += sets[i]->n_v6;
	}
	v4.items = arena_array(scratch, n_v4, sizeof(*v4.items));
	v6.items = arena_array(scratch, n_v6, sizeof(*v6.items));
	if (!v4.items || !v6.items)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sets[i]->n_v4; k++)
			v4.items[v4.n++] =
				(struct range_v6){ sets[i]->v4[k].first,
						   sets[i]->v4[k].last };
		for (size_t k = 0; k < sets[i]->n_v6; k++)
			v6.items[v6.n++] = sets[i]->v6[k];
	}
	return finish(arena, &v4, &v6);
}

/* ---- looking up --------------------------------------------------------- */

static bool has_v4(const struct block_set *set, uint32_t wanted)
{
	size_t low = 0, n = set->n_v4;

	while (n > 1) {
		size_t half = n / 2;

		if (set->v4[low + half].first <= wanted)
			low += half;
		n -= half;
	}
	return n && set->v4[low].first <= wanted && wanted <= set->v4[low].last;
}

static bool has_v6(const struct block_set *set, number wanted)
{
	size_t low = 0, n = set->n_v6;

	while (n > 1) {
		size_t half = n / 2;

		if (set->v6[low + half].first <= wanted)
			low += half;
		n -= half;
	}
	return n && set->v6[low].first <= wanted && wanted <= set->v6[low].last;
}

bool block_set_has(const struct block_set *set, const struct ip_addr *addr)
{
	if (addr->family == IP_V4)
		return has_v4(set, block_number_v4(addr->bytes));
	return addr->family == IP_V6 &&
	       has_v6(set, block_number_v6(addr->bytes));
}
