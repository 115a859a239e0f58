/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both kinds of things stand in one table each, chained, found by a hash of
 * their bytes. A list is hashed and compared after its strings have been
 * interned: by then equal lists are equal byte for byte, padding included,
 * since it is built in zeroed memory.
 */
#include "intern.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256

/* What both kinds begin with. */
struct entry {
	struct entry *next;
	uint32_t hash;
	uint32_t n_users;
	size_t size; /* of the bytes that follow */
	/* For any type, which malloc() sees to. */
	unsigned char bytes[] __attribute__((aligned(8)));
};

struct entry_table {
	struct entry **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_entries;
};

struct intern_pool {
	unsigned int n_holders;
	struct entry_table strings;
	struct entry_table lists;
	size_t n_bytes;
};

/* ---- a table ------------------------------------------------------------ */

/* FNV-1a over words where it can, folded. Names are the cluster's own; who can
   write them into the cluster can do worse than make a chain long. */
static uint32_t hash_bytes(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint64_t hash = 0xcbf29ce484222325;

	for (; size >= 8; size -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
	}
	for (; size > 0; size--, at++)
		hash = (hash ^ *at) * 0x100000001b3;
	return (uint32_t)(hash ^ hash >> 32);
}

static struct entry **bucket(const struct entry_table *table, uint32_t hash)
{
	return &table->buckets[hash & (table->n_buckets - 1)];
}

static struct entry *entry_of(const void *bytes)
{
	return (struct entry *)((uintptr_t)bytes -
				offsetof(struct entry, bytes));
}

static struct entry *find(const struct entry_table *table, const void *bytes,
			  size_t size, uint32_t hash)
{
	struct entry *entry = table->buckets ? *bucket(table, hash) : NULL;

	while (entry && (entry->hash != hash || entry->size != size ||
			 memcmp(entry->bytes, bytes, size) != 0))
		entry = entry->next;
	return entry;
}

static bool grow(struct entry_table *table)
{
	struct entry_table grown = *table;

	grown.n_buckets =
		table->n_buckets ? table->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = calloc(grown.n_buckets, sizeof(struct entry *));
	if (!grown.buckets)
		return false;
	for (size_t i = 0; i < table->n_buckets; i++) {
		struct entry *entry = table->buckets[i];

		while (entry) {
			struct entry *next = entry->next;
			struct entry **head = bucket(&grown, entry->hash);

			entry->next = *head;
			*head = entry;
			entry = next;
		}
	}
	free(table->buckets);
	*table = grown;
	return true;
}

static struct entry *add(struct intern_pool *pool, struct entry_table *table,
			 const void *bytes, size_t size, uint32_t hash)
{
	struct entry *entry, **head;

	if (table->n_entries >= table->n_buckets && !grow(table))
		return NULL;
	entry = malloc(sizeof(*entry) + size);
	if (!entry)
		return NULL;
	head = bucket(table, hash);
	*entry = (struct entry){ *head, hash, 1, size };
	memcpy(entry->bytes, bytes, size);
	*head = entry;
	table->n_entries++;
	pool->n_bytes += sizeof(*entry) + size;
	return entry;
}

/* One user less; true when it was the last and the entry is out. */
static bool drop(struct intern_pool *pool, struct entry_table *table,
		 struct entry *entry)
{
	struct entry **link;

	if (--entry->n_users > 0)
		return false;
	link = bucket(table, entry->hash);
	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	table->n_entries--;
	pool->n_bytes -= sizeof(*entry) + entry->size;
	return true;
}

static void free_entries(struct entry_table *table)
{
	for (size_t i = 0; i < table->n_buckets; i++) {
		while (table->buckets[i]) {
			struct entry *entry = table->buckets[i];

			table->buckets[i] = entry->next;
			free(entry);
		}
	}
	free(table->buckets);
}

/* ---- the pool ----------------------------------------------------------- */

struct intern_pool *intern_pool_new(void)
{
	struct intern_pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->n_holders = 1;
	return pool;
}

struct intern_pool *intern_pool_hold(struct intern_pool *pool)
{
	pool->n_holders++;
	return pool;
}

void intern_pool_release(struct intern_pool *pool)
{
	if (!pool || --pool->n_holders > 0)
		return;
	free_entries(&pool->strings);
	free_entries(&pool->lists);
	free(pool);
}

struct intern_counts intern_pool_counts(const struct intern_pool *pool)
{
	return (struct intern_counts){ pool->strings.n_entries,
				       pool->lists.n_entries, pool->n_bytes };
}

void intern_pool_account(struct intern_pool *pool, ptrdiff_t bytes)
{
	pool->n_bytes += (size_t)bytes;
}

/* ---- strings ------------------------------------------------------------ */

const char *intern(struct intern_pool *pool, const char *text)
{
	size_t size = strlen(text) + 1;
	uint32_t hash = hash_bytes(text, size);
	struct entry *entry = find(&pool->strings, text, size, hash);

	if (entry)
		entry->n_users++;
	else
		entry = add(pool, &pool->strings, text, size, hash);
	return entry ? (const char *)entry->bytes : NULL;
}

const char *intern_again(const char *text)
{
	entry_of(text)->n_users++;
	return text;
}

void intern_drop(struct intern_pool *pool, const char *text)
{
	if (text && drop(pool, &pool->strings, entry_of(text)))
		free(entry_of(text));
}

const char *intern_find(const struct intern_pool *pool, const char *text)
{
	size_t size = strlen(text) + 1;
	struct entry *entry =
		find(&pool->strings, text, size, hash_bytes(text, size));

	return entry ? (const char *)entry->bytes : NULL;
}

/* ---- lists -------------------------------------------------------------- */

static const void *intern_list(struct intern_pool *pool, const void *items,
			       size_t size, bool *existed)
{
	uint32_t hash = hash_bytes(items, size);
	struct entry *entry = find(&pool->lists, items, size, hash);

	*existed = entry != NULL;
	if (entry)
		entry->n_users++;
	else
		entry = add(pool, &pool->lists, items, size, hash);
	return entry ? entry->bytes : NULL;
}

static void drop_label_strings(struct intern_pool *pool,
			       const struct label *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		intern_drop(pool, items[i].key);
		intern_drop(pool, items[i].value);
	}
}

int intern_labels(struct intern_pool *pool, const struct labels *labels,
		  struct labels *out)
{
	struct label *items;
	const struct label *kept = NULL;
	bool existed = true, complete = true;

	if (labels->n == 0) {
		*out = (struct labels){ 0 };
		return 0;
	}
	items = calloc(labels->n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < labels->n; i++) {
		items[i].key = intern(pool, labels->items[i].key);
		items[i].value = intern(pool, labels->items[i].value);
		complete &= items[i].key && items[i].value;
	}
	if (complete)
		kept = intern_list(pool, items, labels->n * sizeof(*items),
				   &existed);
	/* A new list takes the strings over. */
	if (existed || !kept)
		drop_label_strings(pool, items, labels->n);
	free(items);
	if (!kept)
		return -ENOMEM;
	*out = (struct labels){ kept, labels->n };
	return 0;
}

void intern_labels_again(const struct labels *labels)
{
	if (labels->n > 0)
		entry_of(labels->items)->n_users++;
}

void intern_labels_drop(struct intern_pool *pool, const struct labels *labels)
{
	if (labels->n == 0 ||
	    !drop(pool, &pool->lists, entry_of(labels->items)))
		return;
	drop_label_strings(pool, labels->items, labels->n);
	free(entry_of(labels->items));
}

static int compare_ports(const void *a, const void *b)
{
	const struct container_port *p = a, *q = b;

	if (p->protocol != q->protocol)
		return p->protocol < q->protocol ? -1 : 1;
	if (p->number != q->number)
		return p->number < q->number ? -1 : 1;
	return strcmp(p->name, q->name);
}

static void drop_port_strings(struct intern_pool *pool,
			      const struct container_port *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		intern_drop(pool, items[i].name);
}

int intern_ports(struct intern_pool *pool, const struct named_ports *ports,
		 struct named_ports *out)
{
	struct container_port *items;
	const struct container_port *kept = NULL;
	bool existed = true, complete = true;

	if (ports->n == 0) {
		*out = (struct named_ports){ 0 };
		return 0;
	}
	items = calloc(ports->n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < ports->n; i++) {
		items[i].name = intern(pool, ports->items[i].name);
		items[i].number = ports->items[i].number;
		items[i].protocol = ports->items[i].protocol;
		complete &= items[i].name != NULL;
	}
	if (complete) {
		qsort(items, ports->n, sizeof(*items), compare_ports);
		kept = intern_list(pool, items, ports->n * sizeof(*items),
				   &existed);
	}
	if (existed || !kept)
		drop_port_strings(pool, items, ports->n);
	free(items);
	if (!kept)
		return -ENOMEM;
	*out = (struct named_ports){ kept, ports->n };
	return 0;
}

void intern_ports_again(const struct named_ports *ports)
{
	if (ports->n > 0)
		entry_of(ports->items)->n_users++;
}

void intern_ports_drop(struct intern_pool *pool,
		       const struct named_ports *ports)
{
	if (ports->n == 0 || !drop(pool, &pool->lists, entry_of(ports->items)))
		return;
	drop_port_strings(pool, ports->items, ports->n);
	free(entry_of(ports->items));
}
