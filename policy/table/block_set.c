/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both families are worked on as 128-bit numbers, and written down in their own
 * size at the end. A block without its exceptions is what lies between them, in
 * order; ranges of several blocks are sorted by their beginning and merged.
 */
#include "table/block_set.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "addr_number.h"

/* Ranges of one family, while they are made. */
struct ranges {
	struct range_v6 *items;
	size_t n;
};

static struct range_v6 range_of(const struct cidr *cidr)
{
	int bits = (cidr->addr.family == IP_V4 ? 32 : 128) - cidr->prefix_len;
	addr_number first = addr_number_of(&cidr->addr);
	addr_number rest =
		bits == 128 ? ~(addr_number)0 : ((addr_number)1 << bits) - 1;

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

		if (!last || (last->last != ~(addr_number)0 &&
			      r->first > last->last + 1))
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
	addr_number at = whole.first;

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

/* ---- equal ones are kept once ------------------------------------------- */

#define FIRST_BUCKETS 16

static size_t hash_ranges(size_t hash, const struct ranges *ranges)
{
	const struct range_v6 *r = ranges->items;

	for (size_t i = 0; i < ranges->n; i++) {
		const addr_number ends[2] = { r[i].first, r[i].last };

		for (int k = 0; k < 2; k++) {
			hash ^= (size_t)ends[k] ^ (size_t)(ends[k] >> 64);
			hash *= 0x9e3779b97f4a7c15;
			hash ^= hash >> 29;
		}
	}
	return hash ^ ranges->n;
}

static bool is_of(const struct block_set *set, const struct ranges *v4,
		  const struct ranges *v6)
{
	if (set->n_v4 != v4->n || set->n_v6 != v6->n)
		return false;
	for (size_t i = 0; i < v4->n; i++) {
		if (set->v4[i].first != v4->items[i].first ||
		    set->v4[i].last != v4->items[i].last)
			return false;
	}
	return v6->n == 0 ||
	       memcmp(set->v6, v6->items, v6->n * sizeof(*set->v6)) == 0;
}

static struct block_set **bucket(const struct block_sets *sets, size_t hash)
{
	return &sets->buckets[hash & (sets->n_buckets - 1)];
}

static int grow(struct parts *parts, struct block_sets *sets)
{
	struct block_sets grown = *sets;

	grown.n_buckets = sets->n_buckets ? sets->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = parts_alloc(parts, PART_PEERS,
				    grown.n_buckets * sizeof(void *));
	if (!grown.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < sets->n_buckets; i++) {
		struct block_set *set = sets->buckets[i];

		while (set) {
			struct block_set *next = set->next;
			struct block_set **head = bucket(&grown, set->hash);

			set->next = *head;
			*head = set;
			set = next;
		}
	}
	parts_free(parts, PART_PEERS, sets->buckets,
		   sets->n_buckets * sizeof(void *));
	*sets = grown;
	return 0;
}

static void set_free(struct parts *parts, struct part *part)
{
	struct block_set *set =
		(struct block_set *)((uintptr_t)part -
				     offsetof(struct block_set, part));

	parts_free(parts, PART_PEERS, set, set->size);
}

static struct block_set *make(struct parts *parts, const struct ranges *v4,
			      const struct ranges *v6)
{
	const size_t align = _Alignof(struct range_v6);
	size_t v6_at = (sizeof(struct block_set) +
			v4->n * sizeof(struct range_v4) + align - 1) /
		       align * align;
	size_t size = v6_at + v6->n * sizeof(struct range_v6);
	struct block_set *set = parts_alloc(parts, PART_PEERS, size);

	if (!set)
		return NULL;
	part_begin(parts, &set->part, set_free);
	set->size = size;
	set->n_users = 1;
	set->n_v4 = (uint32_t)v4->n;
	set->n_v6 = (uint32_t)v6->n;
	for (size_t i = 0; i < v4->n; i++)
		set->v4[i] = (struct range_v4){ (uint32_t)v4->items[i].first,
						(uint32_t)v4->items[i].last };
	set->v6 = memcpy((unsigned char *)set + v6_at, v6->items,
			 v6->n * sizeof(struct range_v6));
	return set;
}

static struct block_set *get(struct parts *parts, struct block_sets *sets,
			     struct ranges *v4, struct ranges *v6)
{
	struct block_set *set;
	size_t hash;

	merge(v4);
	merge(v6);
	hash = hash_ranges(hash_ranges(0, v4), v6);
	set = sets->buckets ? *bucket(sets, hash) : NULL;
	while (set && (set->hash != hash || !is_of(set, v4, v6)))
		set = set->next;
	if (set) {
		set->n_users++;
		return set;
	}
	if (sets->n >= sets->n_buckets && grow(parts, sets) < 0)
		return NULL;
	set = make(parts, v4, v6);
	if (!set)
		return NULL;
	set->hash = hash;
	set->next = *bucket(sets, hash);
	*bucket(sets, hash) = set;
	sets->n++;
	return set;
}

void block_sets_drop(struct parts *parts, struct block_sets *sets,
		     struct block_set *set)
{
	struct block_set **link;

	if (--set->n_users > 0)
		return;
	link = bucket(sets, set->hash);
	while (*link != set)
		link = &(*link)->next;
	*link = set->next;
	sets->n--;
	parts_throw(parts, &set->part);
}

void block_sets_release(struct parts *parts, struct block_sets *sets)
{
	parts_free(parts, PART_PEERS, sets->buckets,
		   sets->n_buckets * sizeof(void *));
	*sets = (struct block_sets){ 0 };
}

/* ---- making ------------------------------------------------------------- */

struct block_set *block_sets_get(struct parts *parts, struct block_sets *sets,
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
	return get(parts, sets, &v4, &v6);
}

struct block_set *block_sets_unite(struct parts *parts, struct block_sets *sets,
				   struct arena *scratch,
				   const struct block_set *const *members,
				   size_t n)
{
	struct ranges v4 = { 0 }, v6 = { 0 };
	size_t n_v4 = 0, n_v6 = 0;

	for (size_t i = 0; i < n; i++) {
		n_v4 += members[i]->n_v4;
		n_v6 += members[i]->n_v6;
	}
	v4.items = arena_array(scratch, n_v4, sizeof(*v4.items));
	v6.items = arena_array(scratch, n_v6, sizeof(*v6.items));
	if (!v4.items || !v6.items)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < members[i]->n_v4; k++)
			v4.items[v4.n++] =
				(struct range_v6){ members[i]->v4[k].first,
						   members[i]->v4[k].last };
		for (size_t k = 0; k < members[i]->n_v6; k++)
			v6.items[v6.n++] = members[i]->v6[k];
	}
	return get(parts, sets, &v4, &v6);
}

/* ---- looking up --------------------------------------------------------- */

static bool has_v4(const struct block_set *set, uint32_t wanted)
{
	uint32_t low = 0, n = set->n_v4;

	while (n > 1) {
		uint32_t half = n / 2;

		if (set->v4[low + half].first <= wanted)
			low += half;
		n -= half;
	}
	return n && set->v4[low].first <= wanted && wanted <= set->v4[low].last;
}

static bool has_v6(const struct block_set *set, addr_number wanted)
{
	uint32_t low = 0, n = set->n_v6;

	while (n > 1) {
		uint32_t half = n / 2;

		if (set->v6[low + half].first <= wanted)
			low += half;
		n -= half;
	}
	return n && set->v6[low].first <= wanted && wanted <= set->v6[low].last;
}

bool block_set_has(const struct block_set *set, const struct ip_addr *addr)
{
	if (addr->family == IP_V4)
		return has_v4(set, addr_number_v4(addr));
	return addr->family == IP_V6 && has_v6(set, addr_number_of(addr));
}
