/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_ADDRESS_MAP_H
#define NETPOLD_POLICY_TABLE_ADDRESS_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "netpold/object.h"

#include "table/parts.h"

/**
 * Which pod has an address, and which identity that pod is of.
 *
 * The map is extendible hashing: the first bits of an address's hash lead
 * through a directory, cut into chunks, to a page of a few dozen entries. A
 * change copies one page, one chunk of the directory and the short list of
 * chunks, about four kilobytes, however large the map is; a page that is full
 * becomes two. A reader needs two hops and one look along a page, each of which
 * can be fetched ahead for a whole batch.
 *
 *	hash 0110 1…	directory ─► chunk 01 ─► page 1010: 10.0.0.7  id 65  pod
 *			             chunk 10 ─► …          10.9.1.2  id 12  pod
 *
 * One map holds one family, so that keys of IPv4 are as short as they are. The
 * hash is keyed: who chooses addresses cannot make a page overflow.
 */
struct address_map {
	struct address_directory *directory; /* NULL: empty */
	uint8_t depth;			     /* bits of hash it looks at */
	uint8_t key_len;		     /* 4 or 16 */
	uint64_t secret[2];
	size_t n;
};

struct address_page {
	struct part part;
	uint8_t depth; /* bits of hash that all its entries share */
	uint8_t key_len;
	uint16_t unused;
	uint32_t n, capacity;
	/* keys, identities and pods, each as many as capacity */
	unsigned char data[] __attribute__((aligned(8)));
};

#define ADDRESS_CHUNK_BITS 8
#define ADDRESS_CHUNK_PAGES (1 << ADDRESS_CHUNK_BITS)

struct address_chunk {
	struct part part;
	struct address_page *pages[ADDRESS_CHUNK_PAGES];
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

static inline uint32_t address_hash(const struct address_map *map,
				    const struct ip_addr *addr)
{
	if (map->key_len == 4) {
		uint32_t hash;

		memcpy(&hash, addr->bytes, sizeof(hash));
		hash ^= (uint32_t)map->secret[0];
		hash = (hash ^ hash >> 16) * UINT32_C(0x7feb352d);
		hash = (hash ^ hash >> 15) * UINT32_C(0x846ca68b);
		return hash ^ hash >> 16;
	}
	uint64_t words[2], folded;
	unsigned __int128 product;

	memcpy(words, addr->bytes, sizeof(words));
	product = (unsigned __int128)(words[0] ^ map->secret[0]) *
		  (words[1] ^ map->secret[1]);
	folded = (uint64_t)product ^ (uint64_t)(product >> 64);
	return (uint32_t)(folded ^ folded >> 32);
}

static inline size_t address_index(const struct address_map *map, uint32_t hash)
{
	return (size_t)((uint64_t)hash << map->depth >> 32);
}

/** Where in the directory the page of a hash is named. Not of an empty map. */
static inline struct address_page *const *
address_slot(const struct address_map *map, uint32_t hash)
{
	size_t index = address_index(map, hash);

	return &map->directory->chunks[index >> ADDRESS_CHUNK_BITS]
			->pages[index & (ADDRESS_CHUNK_PAGES - 1)];
}

static inline const uint32_t *
address_page_identities(const struct address_page *page)
{
	const void *at = page->data + (size_t)page->capacity * page->key_len;

	return at;
}

static inline const struct object *const *
address_page_pods(const struct address_page *page)
{
	const void *at =
		page->data + (size_t)page->capacity * (page->key_len + 4U);

	return at;
}

/** Bring what address_page_find() reads into the cache. */
static inline void address_page_prefetch(const struct address_page *page)
{
	__builtin_prefetch(page);
	__builtin_prefetch((const char *)page + 64);
	__builtin_prefetch((const char *)page + 128);
}

/** The place of an address in a page, or page->n. */
static inline uint32_t address_page_find(const struct address_page *page,
					 const struct ip_addr *addr)
{
	uint32_t i = 0;

	if (page->key_len == 4) {
		const uint32_t *keys = (const void *)page->data;
		uint32_t key;

		memcpy(&key, addr->bytes, sizeof(key));
		while (i < page->n && keys[i] != key)
			i++;
	} else {
		while (i < page->n &&
		       memcmp(page->data + (size_t)i * 16, addr->bytes, 16))
			i++;
	}
	return i;
}

/** Look an address of the map's family up. */
static inline struct placed address_map_find(const struct address_map *map,
					     const struct ip_addr *addr)
{
	const struct address_page *page;
	uint32_t i;

	if (!map->directory)
		return (struct placed){ 0 };
	page = *address_slot(map, address_hash(map, addr));
	i = address_page_find(page, addr);
	if (i == page->n)
		return (struct placed){ 0 };
	return (struct placed){ address_page_pods(page)[i],
				address_page_identities(page)[i] };
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
