/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/address_map.h"

#include <errno.h>

#include "store/record.h"

/* More are a page that is split: three quarters, so that searches are short. */
#define FULL(n_places) ((n_places) / 4 * 3)

/* Pages of so many shared bits grow instead of being split: a million pages. */
#define MAX_DEPTH 20

/* ---- pages -------------------------------------------------------------- */

static size_t page_size(bool is_v6, uint32_t n_places)
{
	return sizeof(struct address_page) +
	       n_places * (is_v6 ? sizeof(struct address_v6)
				 : sizeof(struct address_v4));
}

static struct address_v4 *places_v4(struct address_page *page)
{
	return (struct address_v4 *)(uintptr_t)address_places_v4(page);
}

static struct address_v6 *places_v6(struct address_page *page)
{
	return (struct address_v6 *)(uintptr_t)address_places_v6(page);
}

/* What is at a place; false where it is empty. */
static bool get_place(const struct address_page *page, uint32_t i,
		      struct ip_addr *addr, struct placed *placed)
{
	if (page->is_v6) {
		const struct address_v6 *p = address_places_v6(page) + i;

		*addr = ip_addr_v6((const uint8_t *)p->key);
		*placed = (struct placed){ p->pod, p->identity };
	} else {
		const struct address_v4 *p = address_places_v4(page) + i;

		*addr = ip_addr_v4((const uint8_t *)&p->key);
		*placed = (struct placed){ p->pod, p->identity };
	}
	return placed->pod != NULL;
}

static void page_free(struct parts *parts, struct part *part)
{
	struct address_page *page = (struct address_page *)part;
	struct placed placed;
	struct ip_addr addr;

	for (uint32_t i = 0; i < page->n_places; i++) {
		if (get_place(page, i, &addr, &placed))
			record_drop(parts->pool, placed.pod);
	}
	parts_free(parts, PART_ADDRESSES, page,
		   page_size(page->is_v6, page->n_places));
}

static struct address_page *page_new(struct parts *parts, bool is_v6,
				     uint8_t depth, uint32_t n_places)
{
	struct address_page *page = parts_alloc_line(
		parts, PART_ADDRESSES, page_size(is_v6, n_places));

	if (!page)
		return NULL;
	part_begin(parts, &page->part, page_free);
	page->depth = depth;
	page->is_v6 = is_v6;
	page->n_places = n_places;
	return page;
}

/* Put an address into a page: where it is, or at the first empty place. */
static void put(const struct address_map *map, struct address_page *page,
		const struct ip_addr *addr, struct placed placed)
{
	struct address_key key = address_key(addr);
	uint32_t mask = page->n_places - 1, i = address_hash(map, key) & mask;
	struct placed before;
	struct ip_addr other;

	while (get_place(page, i, &other, &before) &&
	       !ip_addr_equal(&other, addr))
		i = (i + 1) & mask;
	page->n += !before.pod;
	if (page->is_v6) {
		places_v6(page)[i] = (struct address_v6){
			.key = { key.words[0], key.words[1] },
			.pod = placed.pod,
			.identity = placed.identity,
		};
	} else {
		places_v4(page)[i].pod = placed.pod;
		places_v4(page)[i].identity = placed.identity;
		memcpy(&places_v4(page)[i].key, addr->bytes, 4);
	}
}

/* Put what is in one page, but for one address (NULL: all), into another. */
static void copy_places(const struct address_map *map, struct address_page *to,
			const struct address_page *from,
			const struct ip_addr *but)
{
	struct placed placed;
	struct ip_addr addr;

	for (uint32_t i = 0; i < from->n_places; i++) {
		if (!get_place(from, i, &addr, &placed) ||
		    (but && ip_addr_equal(&addr, but)))
			continue;
		record_use(placed.pod);
		put(map, to, &addr, placed);
	}
}

static struct page_link link_to(const struct address_page *page)
{
	return (struct page_link){
		(uintptr_t)page | (unsigned int)__builtin_ctz(page->n_places)
	};
}

/* ---- the directory ------------------------------------------------------ */

static void chunk_free(struct parts *parts, struct part *part)
{
	parts_free(parts, PART_ADDRESSES, part, sizeof(struct address_chunk));
}

static struct address_chunk *chunk_new(struct parts *parts)
{
	return parts_new(parts, PART_ADDRESSES, sizeof(struct address_chunk),
			 chunk_free);
}

static size_t directory_size(size_t n)
{
	return sizeof(struct address_directory) + n * sizeof(void *);
}

static void directory_free(struct parts *parts, struct part *part)
{
	const struct address_directory *d = (struct address_directory *)part;

	parts_free(parts, PART_ADDRESSES, part, directory_size(d->n));
}

static struct address_directory *directory_new(struct parts *parts, size_t n)
{
	struct address_directory *d = parts_new(
		parts, PART_ADDRESSES, directory_size(n), directory_free);

	if (d)
		d->n = n;
	return d;
}

/* The first page of an empty map. */
static int begin(struct parts *parts, struct address_map *map)
{
	struct address_directory *d = directory_new(parts, 1);
	struct address_chunk *chunk = d ? chunk_new(parts) : NULL;
	struct address_page *page =
		chunk ? page_new(parts, map->is_v6, 0, ADDRESS_PAGE_PLACES)
		      : NULL;

	if (!page) {
		parts_throw(parts, chunk ? &chunk->part : NULL);
		parts_throw(parts, d ? &d->part : NULL);
		return -ENOMEM;
	}
	chunk->pages[0] = link_to(page);
	d->chunks[0] = chunk;
	map->directory = d;
	map->depth = 0;
	return 0;
}

/* A directory that may be written to. */
static int own_directory(struct parts *parts, struct address_map *map)
{
	struct address_directory *old = map->directory, *own;

	if (part_is_ours(parts, &old->part))
		return 0;
	own = directory_new(parts, old->n);
	if (!own)
		return -ENOMEM;
	memcpy(own->chunks, old->chunks, old->n * sizeof(void *));
	map->directory = own;
	parts_throw(parts, &old->part);
	return 0;
}

static int own_chunk(struct parts *parts, struct address_map *map, size_t i)
{
	struct address_chunk *old = map->directory->chunks[i], *own;
	int r;

	if (part_is_ours(parts, &old->part))
		return 0;
	r = own_directory(parts, map);
	if (r < 0)
		return r;
	own = chunk_new(parts);
	if (!own)
		return -ENOMEM;
	memcpy(own->pages, old->pages, sizeof(own->pages));
	map->directory->chunks[i] = own;
	parts_throw(parts, &old->part);
	return 0;
}

static struct page_link *entry_at(const struct address_map *map, size_t i)
{
	return &map->directory->chunks[i >> ADDRESS_CHUNK_BITS]
			->pages[i & (ADDRESS_CHUNK_PAGES - 1)];
}

/* The entries that name a page of a depth with this hash: first, and how
   many. */
static size_t first_entry(const struct address_map *map, uint32_t hash,
			  uint8_t depth, size_t *n)
{
	*n = (size_t)1 << (map->depth - depth);
	return address_index(map, hash) & ~(*n - 1);
}

static int own_entries(struct parts *parts, struct address_map *map,
		       size_t first, size_t n)
{
	size_t last_chunk = (first + n - 1) >> ADDRESS_CHUNK_BITS;

	for (size_t i = first >> ADDRESS_CHUNK_BITS; i <= last_chunk; i++) {
		int r = own_chunk(parts, map, i);

		if (r < 0)
			return r;
	}
	return 0;
}

/* One bit of hash more: every entry becomes two. */
static int deepen(struct parts *parts, struct address_map *map)
{
	const struct address_directory *old = map->directory;
	size_t n_entries = (size_t)2 << map->depth;
	size_t n_chunks =
		(n_entries + ADDRESS_CHUNK_PAGES - 1) >> ADDRESS_CHUNK_BITS;
	struct address_directory *d = directory_new(parts, n_chunks);
	size_t made = 0;

	while (d && made < n_chunks && (d->chunks[made] = chunk_new(parts)))
		made++;
	if (!d || made < n_chunks) {
		for (size_t i = 0; i < made; i++)
			parts_throw(parts, &d->chunks[i]->part);
		parts_throw(parts, d ? &d->part : NULL);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n_entries; i++)
		d->chunks[i >> ADDRESS_CHUNK_BITS]
			->pages[i & (ADDRESS_CHUNK_PAGES - 1)] =
			*entry_at(map, i / 2);
	for (size_t i = 0; i < old->n; i++)
		parts_throw(parts, &old->chunks[i]->part);
	parts_throw(parts, &map->directory->part);
	map->directory = d;
	map->depth++;
	return 0;
}

/* ---- changing a page ---------------------------------------------------- */

/* Put a page in the place of another of its depth, which is thrown. */
static int exchange(struct parts *parts, struct address_map *map, uint32_t hash,
		    struct address_page *old, struct address_page *page)
{
	size_t n, first = first_entry(map, hash, old->depth, &n);
	int r = own_entries(parts, map, first, n);

	if (r < 0)
		return r;
	for (size_t i = first; i < first + n; i++)
		*entry_at(map, i) = link_to(page);
	parts_throw(parts, &old->part);
	return 0;
}

static struct address_page *page_at(const struct address_map *map, size_t i)
{
	return (struct address_page *)(uintptr_t)page_link_page(
		*entry_at(map, i));
}

static struct address_page *page_of(const struct address_map *map,
				    uint32_t hash)
{
	return page_at(map, address_index(map, hash));
}

/* Copy the page of a hash, without an address perhaps, into one of so many
   places that may be written to. */
static struct address_page *renew(struct parts *parts, struct address_map *map,
				  uint32_t hash, uint32_t n_places,
				  const struct ip_addr *but)
{
	struct address_page *old = page_of(map, hash);
	struct address_page *own =
		page_new(parts, map->is_v6, old->depth, n_places);

	if (!own)
		return NULL;
	copy_places(map, own, old, but);
	if (exchange(parts, map, hash, old, own) == 0)
		return own;
	parts_throw(parts, &own->part);
	return NULL;
}

/* A page of a hash that may be written to. */
static struct address_page *own_page(struct parts *parts,
				     struct address_map *map, uint32_t hash)
{
	struct address_page *page = page_of(map, hash);

	return part_is_ours(parts, &page->part)
		       ? page
		       : renew(parts, map, hash, page->n_places, NULL);
}

/* Two pages for one, each with the addresses of one value of the next bit. */
static int split(struct parts *parts, struct address_map *map, uint32_t hash)
{
	struct address_page *old = page_of(map, hash), *halves[2];
	struct placed placed;
	struct ip_addr addr;
	size_t n, first;
	int r = 0;

	if (old->depth == map->depth)
		r = deepen(parts, map);
	if (r < 0)
		return r;
	first = first_entry(map, hash, old->depth, &n);
	r = own_entries(parts, map, first, n);
	if (r < 0)
		return r;
	for (int k = 0; k < 2; k++)
		halves[k] = page_new(parts, map->is_v6, old->depth + 1,
				     old->n_places);
	if (!halves[0] || !halves[1]) {
		for (int k = 0; k < 2; k++)
			parts_throw(parts, halves[k] ? &halves[k]->part : NULL);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < old->n_places; i++) {
		uint32_t bit;

		if (!get_place(old, i, &addr, &placed))
			continue;
		bit = address_hash(map, address_key(&addr)) >>
		      (31 - old->depth);
		record_use(placed.pod);
		put(map, halves[bit & 1], &addr, placed);
	}
	for (size_t i = 0; i < n; i++)
		*entry_at(map, first + i) = link_to(halves[i >= n / 2]);
	parts_throw(parts, &old->part);
	return 0;
}

/* ---- the map ------------------------------------------------------------ */

void address_map_init(struct address_map *map, enum ip_family family,
		      const uint64_t secret[2])
{
	*map = (struct address_map){
		.is_v6 = family == IP_V6,
		.secret = { secret[0], secret[1] },
	};
}

/* A page that has room for one more. */
static struct address_page *
page_with_room(struct parts *parts, struct address_map *map, uint32_t hash)
{
	struct address_page *page = page_of(map, hash);

	while (page->n >= FULL(page->n_places) && page->depth < MAX_DEPTH) {
		if (split(parts, map, hash) < 0)
			return NULL;
		page = page_of(map, hash);
	}
	if (page->n >= FULL(page->n_places))
		return renew(parts, map, hash, page->n_places * 2, NULL);
	return own_page(parts, map, hash);
}

int address_map_set(struct parts *parts, struct address_map *map,
		    const struct ip_addr *addr, struct placed placed)
{
	uint32_t hash = address_hash(map, address_key(addr));
	struct address_page *page;
	struct placed before;

	if (!map->directory && begin(parts, map) < 0)
		return -ENOMEM;
	before = address_map_find(map, addr);
	page = before.pod ? own_page(parts, map, hash)
			  : page_with_room(parts, map, hash);
	if (!page)
		return -ENOMEM;
	record_use(placed.pod);
	put(map, page, addr, placed);
	record_drop(parts->pool, before.pod);
	map->n += !before.pod;
	return 0;
}

int address_map_remove(struct parts *parts, struct address_map *map,
		       const struct ip_addr *addr)
{
	uint32_t hash = address_hash(map, address_key(addr));

	/* What comes behind an emptied place would not be found any more: a
	   copy closes the gap. */
	if (!renew(parts, map, hash, page_of(map, hash)->n_places, addr))
		return -ENOMEM;
	map->n--;
	return 0;
}

/* The entries that name the same page stand side by side. */
static size_t n_entries_of(const struct address_map *map,
			   const struct address_page *page)
{
	return (size_t)1 << (map->depth - page->depth);
}

int address_map_each(const struct address_map *map, address_fn each, void *ctx)
{
	size_t n = map->directory ? (size_t)1 << map->depth : 0;
	int r = 0;

	for (size_t k = 0; k < n && r == 0;) {
		const struct address_page *page = page_at(map, k);

		for (uint32_t i = 0; i < page->n_places && r == 0; i++) {
			struct placed placed;
			struct ip_addr addr;

			if (get_place(page, i, &addr, &placed))
				r = each(ctx, &addr, placed);
		}
		k += n_entries_of(map, page);
	}
	return r;
}

void address_map_release(struct parts *parts, struct address_map *map)
{
	struct address_directory *d = map->directory;

	if (!d)
		return;
	for (size_t k = 0; k < (size_t)1 << map->depth;) {
		struct address_page *page = page_at(map, k);

		k += n_entries_of(map, page);
		page->part.free(parts, &page->part);
	}
	for (size_t i = 0; i < d->n; i++)
		d->chunks[i]->part.free(parts, &d->chunks[i]->part);
	d->part.free(parts, &d->part);
	map->directory = NULL;
}
