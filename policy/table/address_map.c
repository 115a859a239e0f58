/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/address_map.h"

#include <errno.h>

#include "store/record.h"

/* Two cache lines of IPv4 keys. */
#define PAGE_CAPACITY 32

/* Pages of so many shared bits grow instead of being split: a million pages. */
#define MAX_DEPTH 20

/* ---- pages -------------------------------------------------------------- */

static size_t page_size(uint8_t key_len, uint32_t capacity)
{
	return sizeof(struct address_page) +
	       (size_t)capacity * (key_len + sizeof(uint32_t) + sizeof(void *));
}

static uint32_t *identities_of(struct address_page *page)
{
	return (uint32_t *)(uintptr_t)address_page_identities(page);
}

static const struct object **pods_of(struct address_page *page)
{
	return (const struct object **)(uintptr_t)address_page_pods(page);
}

static void page_free(struct parts *parts, struct part *part)
{
	struct address_page *page = (struct address_page *)part;

	for (uint32_t i = 0; i < page->n; i++)
		record_drop(parts->pool, pods_of(page)[i]);
	parts_free(parts, PART_ADDRESSES, page,
		   page_size(page->key_len, page->capacity));
}

static struct address_page *page_new(struct parts *parts, uint8_t key_len,
				     uint8_t depth, uint32_t capacity)
{
	struct address_page *page = parts_new(
		parts, PART_ADDRESSES, page_size(key_len, capacity), page_free);

	if (!page)
		return NULL;
	page->depth = depth;
	page->key_len = key_len;
	page->capacity = capacity;
	return page;
}

static struct ip_addr key_at(const struct address_page *page, uint32_t i)
{
	const unsigned char *key = page->data + (size_t)i * page->key_len;

	return page->key_len == 4 ? ip_addr_v4(key) : ip_addr_v6(key);
}

static void put_at(struct address_page *page, uint32_t i,
		   const struct ip_addr *addr, struct placed placed)
{
	memcpy(page->data + (size_t)i * page->key_len, addr->bytes,
	       page->key_len);
	identities_of(page)[i] = placed.identity;
	pods_of(page)[i] = placed.pod;
}

static struct placed placed_at(const struct address_page *page, uint32_t i)
{
	return (struct placed){ address_page_pods(page)[i],
				address_page_identities(page)[i] };
}

/* There is room. */
static void append(struct address_page *page, const struct ip_addr *addr,
		   struct placed placed)
{
	record_use(placed.pod);
	put_at(page, page->n++, addr, placed);
}

static void append_all(struct address_page *to, const struct address_page *from)
{
	for (uint32_t i = 0; i < from->n; i++) {
		struct ip_addr addr = key_at(from, i);

		append(to, &addr, placed_at(from, i));
	}
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
		chunk ? page_new(parts, map->key_len, 0, PAGE_CAPACITY) : NULL;

	if (!page) {
		parts_throw(parts, chunk ? &chunk->part : NULL);
		parts_throw(parts, d ? &d->part : NULL);
		return -ENOMEM;
	}
	chunk->pages[0] = page;
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

static struct address_page **entry_at(const struct address_map *map, size_t i)
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
		*entry_at(map, i) = page;
	parts_throw(parts, &old->part);
	return 0;
}

/* A page for this hash that may be written to, with a given capacity. */
static struct address_page *own_page(struct parts *parts,
				     struct address_map *map, uint32_t hash,
				     uint32_t capacity)
{
	struct address_page *old = *entry_at(map, address_index(map, hash));
	struct address_page *own;

	if (part_is_ours(parts, &old->part) && old->capacity >= capacity)
		return old;
	own = page_new(parts, map->key_len, old->depth, capacity);
	if (!own)
		return NULL;
	append_all(own, old);
	if (exchange(parts, map, hash, old, own) == 0)
		return own;
	parts_throw(parts, &own->part);
	return NULL;
}

/* Two pages for one, each with the entries of one value of the next bit. */
static int split(struct parts *parts, struct address_map *map, uint32_t hash)
{
	struct address_page *old = *entry_at(map, address_index(map, hash));
	struct address_page *halves[2];
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
		halves[k] = page_new(parts, map->key_len, old->depth + 1,
				     old->capacity);
	if (!halves[0] || !halves[1]) {
		for (int k = 0; k < 2; k++)
			parts_throw(parts, halves[k] ? &halves[k]->part : NULL);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < old->n; i++) {
		struct ip_addr addr = key_at(old, i);
		uint32_t bit = address_hash(map, &addr) >> (31 - old->depth);

		append(halves[bit & 1], &addr, placed_at(old, i));
	}
	for (size_t i = 0; i < n; i++)
		*entry_at(map, first + i) = halves[i >= n / 2];
	parts_throw(parts, &old->part);
	return 0;
}

/* ---- the map ------------------------------------------------------------ */

void address_map_init(struct address_map *map, enum ip_family family,
		      const uint64_t secret[2])
{
	*map = (struct address_map){
		.key_len = family == IP_V4 ? 4 : 16,
		.secret = { secret[0], secret[1] },
	};
}

/* Another pod for an address that is there. */
static int replace(struct parts *parts, struct address_map *map, uint32_t hash,
		   const struct ip_addr *addr, struct placed placed)
{
	struct address_page *page =
		own_page(parts, map, hash,
			 (*entry_at(map, address_index(map, hash)))->capacity);
	const struct object *old;
	uint32_t i;

	if (!page)
		return -ENOMEM;
	i = address_page_find(page, addr);
	old = pods_of(page)[i];
	record_use(placed.pod);
	put_at(page, i, addr, placed);
	record_drop(parts->pool, old);
	return 0;
}

int address_map_set(struct parts *parts, struct address_map *map,
		    const struct ip_addr *addr, struct placed placed)
{
	uint32_t hash = address_hash(map, addr);
	struct address_page *page;

	if (!map->directory && begin(parts, map) < 0)
		return -ENOMEM;
	page = *entry_at(map, address_index(map, hash));
	if (address_page_find(page, addr) < page->n)
		return replace(parts, map, hash, addr, placed);
	while (page->n >= PAGE_CAPACITY && page->depth < MAX_DEPTH) {
		if (split(parts, map, hash) < 0)
			return -ENOMEM;
		page = *entry_at(map, address_index(map, hash));
	}
	page = own_page(parts, map, hash,
			page->n < page->capacity ? page->capacity
						 : page->capacity * 2);
	if (!page)
		return -ENOMEM;
	append(page, addr, placed);
	map->n++;
	return 0;
}

int address_map_remove(struct parts *parts, struct address_map *map,
		       const struct ip_addr *addr)
{
	uint32_t hash = address_hash(map, addr), i;
	struct address_page *page = *entry_at(map, address_index(map, hash));
	const struct object *pod;
	struct ip_addr last;

	page = own_page(parts, map, hash, page->capacity);
	if (!page)
		return -ENOMEM;
	i = address_page_find(page, addr);
	pod = pods_of(page)[i];
	page->n--;
	last = key_at(page, page->n);
	put_at(page, i, &last, placed_at(page, page->n));
	record_drop(parts->pool, pod);
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
		const struct address_page *page = *entry_at(map, k);

		for (uint32_t i = 0; i < page->n && r == 0; i++) {
			struct ip_addr addr = key_at(page, i);

			r = each(ctx, &addr, placed_at(page, i));
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
		struct address_page *page = *entry_at(map, k);

		k += n_entries_of(map, page);
		page->part.free(parts, &page->part);
	}
	for (size_t i = 0; i < d->n; i++)
		d->chunks[i]->part.free(parts, &d->chunks[i]->part);
	d->part.free(parts, &d->part);
	map->directory = NULL;
}
