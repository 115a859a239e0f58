/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows lie in a ring, in the order in which they were opened:
 *
 *	entries   [ 8 | 9 | - | - | 4 | 5 | 6 | 7 ]     n_entries = 8
 *	                            ^ head = 4    count = 6, next number 10
 *
 * Flow n lies at n modulo n_entries. So the order costs nothing, forgetting
 * the first is moving head, and memory is one array that doubles when it is
 * full. Chains of indexes through the same array make the hash table.
 */
#include "flow_table.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "netpold/hash.h"

#define FIRST_ENTRIES 1024
#define NOWHERE UINT32_MAX /* ends a chain */
#define LINE 64		   /* of a cache */
#define SOON 16		   /* flows from now */

static struct flow_entry *entry_at(const struct flow_table *table,
				   uint64_t number)
{
	return &table->entries[number & (table->n_entries - 1)];
}

static size_t n_chains(size_t n_entries)
{
	return 2 * n_entries;
}

static uint32_t *chain_of(const struct flow_table *table, uint32_t hash)
{
	return &table->chains[hash & (n_chains(table->n_entries) - 1)];
}

/* What there is of a key where addresses are of four bytes: a hash of all of it
   takes twice as long. */
struct short_key {
	uint8_t low[4];
	uint8_t high[4];
	uint16_t low_port;
	uint16_t high_port;
	uint8_t protocol;
	uint8_t kind;
};
_Static_assert(sizeof(struct short_key) == 14, "it has no padding");

uint32_t flow_table_hash(const struct flow_table *table,
			 const struct flow_table_key *key)
{
	struct short_key brief = {
		.low_port = key->low_port,
		.high_port = key->high_port,
		.protocol = key->protocol,
		.kind = key->kind,
	};

	if (key->family != IP_V4)
		return (uint32_t)hash_keyed(table->hash_key, key, sizeof(*key));
	memcpy(brief.low, key->low, sizeof(brief.low));
	memcpy(brief.high, key->high, sizeof(brief.high));
	return (uint32_t)hash_keyed(table->hash_key, &brief, sizeof(brief));
}

static bool is_same(const struct flow_table_key *a,
		    const struct flow_table_key *b)
{
	uint64_t p[5], q[5];

	_Static_assert(sizeof(p) == sizeof(*a), "they are all of a key");
	memcpy(p, a, sizeof(p));
	memcpy(q, b, sizeof(q));
	return ((p[0] ^ q[0]) | (p[1] ^ q[1]) | (p[2] ^ q[2]) | (p[3] ^ q[3]) |
		(p[4] ^ q[4])) == 0;
}

void flow_table_fetch(const struct flow_table *table, uint32_t hash)
{
	__builtin_prefetch(chain_of(table, hash));
}

void flow_table_fetch_entry(const struct flow_table *table, uint32_t hash)
{
	uint32_t at = *chain_of(table, hash);
	const char *entry;

	if (at == NOWHERE)
		return;
	entry = (const char *)&table->entries[at];
	for (size_t i = 0; i < sizeof(struct flow_entry); i += LINE)
		__builtin_prefetch(entry + i, 1);
}

static void link_entry(struct flow_table *table, struct flow_entry *entry)
{
	uint32_t *chain = chain_of(table, entry->hash);

	entry->next = *chain;
	*chain = (uint32_t)(entry - table->entries);
	entry->in_table = true;
}

/* ---- room -----------------------------------------------------------------
 */

/* Arrays are pages of their own, so that they grow without being copied, and
   large pages, where a system has them: what is looked into everywhere needs
   fewer looks into the tables of pages. */
static void *resize_array(void *array, size_t old_size, size_t size)
{
	void *new;

	if (array)
		new = mremap(array, old_size, size, MREMAP_MAYMOVE);
	else
		new = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (new == MAP_FAILED)
		return NULL;
	madvise(new, size, MADV_HUGEPAGE); /* a wish: its answer is no matter */
	return new;
}

static void free_array(void *array, size_t size)
{
	if (array)
		munmap(array, size);
}

static size_t entries_size(size_t n_entries)
{
	return n_entries * sizeof(struct flow_entry);
}

static size_t chains_size(size_t n_entries)
{
	return n_chains(n_entries) * sizeof(uint32_t);
}

/* What is there stays in its place. */
static bool make_room(struct flow_table *table, size_t n)
{
	size_t n_old = table->n_entries;
	struct flow_entry *entries = resize_array(
		table->entries, entries_size(n_old), entries_size(n));
	uint32_t *chains;

	if (!entries)
		return false;
	table->entries = entries;
	chains =
		resize_array(table->chains, chains_size(n_old), chains_size(n));
	if (!chains) {
		table->entries = resize_array(entries, entries_size(n),
					      entries_size(n_old));
		return false;
	}
	table->chains = chains;
	table->n_entries = n;
	return true;
}

/* Twice as many places; flows keep their numbers, and so their places, or the
   same ones in the second half. */
static int grow(struct flow_table *table)
{
	size_t n_old = table->n_entries;
	size_t n = n_old ? n_old * 2 : FIRST_ENTRIES;

	if (n > NOWHERE || !make_room(table, n))
		return -ENOMEM;
	memset(table->chains, 0xff, chains_size(n)); /* NOWHERE */
	for (size_t i = 0; i < table->count; i++) {
		uint64_t number = table->head + i;
		size_t before = number & (n_old - 1);
		struct flow_entry *entry = entry_at(table, number);

		if (entry != &table->entries[before])
			*entry = table->entries[before];
		if (entry->in_table)
			link_entry(table, entry);
	}
	return 0;
}

int flow_table_init(struct flow_table *table, const uint64_t hash_key[2])
{
	*table =
		(struct flow_table){ .hash_key = { hash_key[0], hash_key[1] } };
	return grow(table);
}

void flow_table_release(struct flow_table *table)
{
	free_array(table->entries, entries_size(table->n_entries));
	free_array(table->chains, chains_size(table->n_entries));
	*table = (struct flow_table){ 0 };
}

int flow_table_add(struct flow_table *table, const struct flow_table_key *key,
		   uint32_t hash, struct flow_entry **out)
{
	struct flow_entry *entry;
	uint64_t number;
	int r;

	if (table->count == table->n_entries) {
		r = grow(table);
		if (r < 0)
			return r;
	}
	number = table->head + table->count++;
	entry = entry_at(table, number);
	*entry = (struct flow_entry){
		.flow.number = number,
		.key = *key,
		.hash = hash,
	};
	link_entry(table, entry);
	*out = entry;
	return 0;
}

struct flow_entry *flow_table_find(const struct flow_table *table,
				   const struct flow_table_key *key,
				   uint32_t hash)
{
	uint32_t at = *chain_of(table, hash);

	while (at != NOWHERE) {
		struct flow_entry *entry = &table->entries[at];

		if (entry->hash == hash && is_same(&entry->key, key))
			return entry;
		at = entry->next;
	}
	return NULL;
}

void flow_table_remove(struct flow_table *table, struct flow_entry *entry)
{
	uint32_t *link = chain_of(table, entry->hash);
	uint32_t self = (uint32_t)(entry - table->entries);

	while (*link != self)
		link = &table->entries[*link].next;
	*link = entry->next;
	entry->in_table = false;
}

struct flow_entry *flow_table_by_number(const struct flow_table *table,
					uint64_t number)
{
	if (number < table->head || number - table->head >= table->count)
		return NULL;
	return entry_at(table, number);
}

struct flow_entry *flow_table_first(const struct flow_table *table)
{
	return flow_table_by_number(table, table->head);
}

void flow_table_drop_first(struct flow_table *table)
{
	struct flow_entry *entry = flow_table_first(table);

	/* Who drops one drops many. */
	if (table->count > SOON)
		flow_table_fetch(table,
				 entry_at(table, table->head + SOON)->hash);
	if (entry->in_table)
		flow_table_remove(table, entry);
	table->head++;
	table->count--;
}
