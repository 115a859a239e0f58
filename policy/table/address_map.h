/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_ADDRESS_MAP_H
#define NETPOLD_POLICY_TABLE_ADDRESS_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "netpold/addr.h"

#include "table/parts.h"

/**
 * Which pod has an address, and which identity that pod is of.
 *
 * The map is extendible hashing: the first bits of an address's hash lead
 * through a directory, cut into chunks, to a page of a few dozen places, and
 * the last bits to a place in the page. A change copies one page, one chunk of
 * the directory and the short list of chunks, about four kilobytes, however
 * large the map is; a page that is full becomes two. A reader needs two hops
 * and one place, each of which can be fetched ahead for a whole batch.
 *
 *	hash 0110 1…01	directory ─► chunk 01 ─► page 1010 ─► 10.9.1.2 id 12 pod
 *			             chunk 10 ─► …            –
 *			                                      10.0.0.7 id 65 pod
 *
 * One map holds one family, so that places of IPv4 are small: four of them are
 * a cache line. The hash is keyed: who chooses addresses cannot make a page
 * overflow.
 */
struct address_map {
	struct address_directory *directory; /* NULL: empty */
	uint8_t depth;			     /* bits of hash it looks at */
	bool is_v6;
	uint64_t secret[2];
	size_t n;
};

/** Places; one without a pod is empty. An address is at the place that its
 *  hash names, or in the next ones up to an empty one. */
struct address_v4 {
	uint32_t key; /* as it stands in memory */
	uint32_t identity;
	const struct object *pod;
};

struct address_v6 {
	uint64_t key[2];
	const struct object *pod;
	uint32_t identity;
	uint32_t unused;
};

struct address_page {
	struct part part;
	uint32_t n;	   /* places taken */
	uint32_t n_places; /* a power of two */
	uint8_t depth;	   /* bits of hash that all its addresses share */
	bool is_v6;
	/* struct address_v4 or address_v6, n_places of them */
	unsigned char places[] __attribute__((aligned(64)));
};

/** Places of a page, but for the rare one that cannot be split. With more of
 *  them the directory is shorter and stays in the cache; with fewer a change
 *  copies less. 32 to 128 were measured. */
#define ADDRESS_PAGE_PLACES 128

#define ADDRESS_CHUNK_BITS 8
#define ADDRESS_CHUNK_PAGES (1 << ADDRESS_CHUNK_BITS)

/** Leads to a page, and says how many places it has, so that its beginning need
 *  not be read: pages lie at cache lines, and the last bits of the pointer are
 *  the logarithm. */
struct page_link {
	uintptr_t word;
};
#define PAGE_LINK_MASK ((uintptr_t)63)

struct address_chunk {
	struct part part;
	struct page_link pages[ADDRESS_CHUNK_PAGES];
};

struct address_directory {
	struct part part;
	size_t n;
	struct address_chunk *chunks[];
};

/** The identity of a pod that runs on this node has this bit. */
#define IDENTITY_LOCAL (UINT32_C(1) << 31)

/** Who has an address. pod is NULL where nobody has. */
struct placed {
	const struct object *pod;
	uint32_t identity; /* with IDENTITY_LOCAL */
};

/* ---- for one reader or many --------------------------------------------- */

/** An address as a key: IPv4 in the first word, IPv6 in both. */
struct address_key {
	uint64_t words[2];
};

static inline struct address_key address_key(const struct ip_addr *addr)
{
	struct address_key key;

	memcpy(key.words, addr->bytes, sizeof(key.words));
	return key;
}

static inline uint32_t address_hash(const struct address_map *map,
				    struct address_key key)
{
	unsigned __int128 product =
		(unsigned __int128)(key.words[0] ^ map->secret[0]) *
		(key.words[1] ^ map->secret[1]);
	uint64_t folded = (uint64_t)product ^ (uint64_t)(product >> 64);

	return (uint32_t)(folded ^ folded >> 32);
}

static inline size_t address_index(const struct address_map *map, uint32_t hash)
{
	return (size_t)((uint64_t)hash << map->depth >> 32);
}

/** Where in the directory the page of a hash is named. Not of an empty map. */
static inline const struct page_link *
address_slot(const struct address_map *map, uint32_t hash)
{
	size_t index = address_index(map, hash);

	return &map->directory->chunks[index >> ADDRESS_CHUNK_BITS]
			->pages[index & (ADDRESS_CHUNK_PAGES - 1)];
}

static inline const struct address_page *page_link_page(struct page_link link)
{
	return (const struct address_page *)(link.word & ~PAGE_LINK_MASK);
}

/** Which bits of a hash name a place. */
static inline uint32_t page_link_mask(struct page_link link)
{
	return (UINT32_C(1) << (link.word & PAGE_LINK_MASK)) - 1;
}

static inline const struct address_v4 *
address_places_v4(const struct address_page *page)
{
	return (const void *)page->places;
}

static inline const struct address_v6 *
address_places_v6(const struct address_page *page)
{
	return (const void *)page->places;
}

/** Bring the place of a hash into the cache. */
static inline void address_prefetch(const struct address_map *map,
				    struct page_link link, uint32_t hash)
{
	const struct address_page *page = page_link_page(link);
	uint32_t i = hash & page_link_mask(link);

	if (map->is_v6)
		__builtin_prefetch(address_places_v6(page) + i);
	else
		__builtin_prefetch(address_places_v4(page) + i);
}

static inline struct placed address_find_v6(const struct address_v6 *p,
					    struct address_key key, uint32_t i,
					    uint32_t mask)
{
	while (p[i].pod &&
	       (p[i].key[0] != key.words[0] || p[i].key[1] != key.words[1]))
		i = (i + 1) & mask;
	return (struct placed){ p[i].pod, p[i].identity };
}

/* Which of the first two places it is, if it is one of them, is not to be
   predicted: both are looked at before anything depends on it. */
static inline struct placed address_find_v4(const struct address_v4 *p,
					    struct address_key key, uint32_t i,
					    uint32_t mask)
{
	uint32_t wanted, second = (i + 1) & mask;

	memcpy(&wanted, &key, sizeof(wanted));
	i = p[i].pod && p[i].key != wanted ? second : i;
	while (p[i].pod && p[i].key != wanted)
		i = (i + 1) & mask;
	return (struct placed){ p[i].pod, p[i].identity };
}

/** Look an address up in its page. */
static inline struct placed address_find(const struct address_map *map,
					 struct page_link link,
					 struct address_key key, uint32_t hash)
{
	const struct address_page *page = page_link_page(link);
	uint32_t mask = page_link_mask(link);

	return map->is_v6 ? address_find_v6(address_places_v6(page), key,
					    hash & mask, mask)
			  : address_find_v4(address_places_v4(page), key,
					    hash & mask, mask);
}

/** Look an address of the map's family up. */
static inline struct placed address_map_find(const struct address_map *map,
					     const struct ip_addr *addr)
{
	struct address_key key = address_key(addr);
	uint32_t hash = address_hash(map, key);

	if (!map->directory)
		return (struct placed){ 0 };
	return address_find(map, *address_slot(map, hash), key, hash);
}

/** Called for each entry; anything but 0 ends the walk and is its result. */
typedef int (*address_fn)(void *ctx, const struct ip_addr *addr,
			  struct placed placed);
int address_map_each(const struct address_map *map, address_fn each, void *ctx);

/* ---- for who compiles --------------------------------------------------- */

void address_map_init(struct address_map *map, enum ip_family family,
		      const uint64_t secret[2]);

/** Give an address to a pod, which is used. 0 or -ENOMEM. */
int address_map_set(struct parts *parts, struct address_map *map,
		    const struct ip_addr *addr, struct placed placed);

/** Take an address that is there out. 0 or -ENOMEM. */
int address_map_remove(struct parts *parts, struct address_map *map,
		       const struct ip_addr *addr);

/** Free it all; nobody reads it. */
void address_map_release(struct parts *parts, struct address_map *map);

#endif
