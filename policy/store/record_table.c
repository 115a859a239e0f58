/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object_copy.h"

#define FIRST_BUCKETS 64

struct record_key object_key(const struct object *object)
{
	switch (object->kind) {
	case OBJECT_POD:
		return (struct record_key){ object->pod.namespace,
					    object->pod.name };
	case OBJECT_NAMESPACE:
		return (struct record_key){ "", object->namespace.name };
	case OBJECT_NETWORK_POLICY:
		return (struct record_key){ object->policy.namespace,
					    object->policy.name };
	case OBJECT_NODE:
		return (struct record_key){ "", object->node.name };
	}
	return (struct record_key){ "", "" };
}

/* FNV-1a, the zero byte between the two names included. */
static uint64_t hash_key(struct record_key key)
{
	const char *const parts[] = { key.namespace, key.name };
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < 2; i++) {
		const char *p = parts[i];

		do {
			hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
		} while (*p++);
	}
	return hash ^ hash >> 32;
}

static bool key_equal(struct record_key a, struct record_key b)
{
	return strcmp(a.name, b.name) == 0 &&
	       strcmp(a.namespace, b.namespace) == 0;
}

/* ---- records ------------------------------------------------------------ */

/* The strings that a record uses, in blocks of its arena. */
struct string_block {
	struct string_block *next;
	size_t n;
	const char *items[14];
};
#define BLOCK_ITEMS 14

struct interning {
	struct intern_pool *pool;
	struct record *record;
};

/* A place to note the next string down; NULL without memory. */
static const char **next_place(struct record *record)
{
	struct string_block *block = record->strings;

	if (!block || block->n == BLOCK_ITEMS) {
		block = arena_alloc(&record->arena, sizeof(*block));
		if (!block)
			return NULL;
		block->next = record->strings;
		record->strings = block;
	}
	return &block->items[block->n++];
}

static const char *intern_string(void *ctx, const char *text)
{
	struct interning *interning = ctx;
	const char **place = next_place(interning->record);

	if (!place)
		return NULL;
	*place = intern(interning->pool, text);
	return *place;
}

struct record *record_new(struct intern_pool *pool, const struct object *object)
{
	struct record *record = calloc(1, sizeof(*record));
	struct interning interning = { pool, record };

	if (record && object_copy_with(&record->arena, object, intern_string,
				       &interning, &record->object) < 0) {
		record_free(pool, record);
		return NULL;
	}
	return record;
}

void record_free(struct intern_pool *pool, struct record *record)
{
	const struct string_block *block = record->strings;

	for (; block; block = block->next) {
		for (size_t i = 0; i < block->n; i++)
			intern_drop(pool, block->items[i]);
	}
	arena_release(&record->arena);
	free(record);
}

/* ---- tables ------------------------------------------------------------- */

struct record *record_table_find(const struct record_table *table,
				 struct record_key key)
{
	uint64_t hash = hash_key(key);
	struct record *record;

	if (!table->buckets)
		return NULL;
	record = table->buckets[hash & (table->n_buckets - 1)];
	while (record && (record->hash != hash ||
			  !key_equal(object_key(&record->object), key)))
		record = record->next;
	return record;
}

static int grow(struct record_table *table)
{
	size_t n = table->n_buckets ? table->n_buckets * 2 : FIRST_BUCKETS;
	struct record **buckets;

	buckets = calloc(n, sizeof(struct record *));
	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < table->n_buckets; i++) {
		struct record *record = table->buckets[i];

		while (record) {
			struct record *next = record->next;
			struct record **head = &buckets[record->hash & (n - 1)];

			record->next = *head;
			*head = record;
			record = next;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->n_buckets = n;
	return 0;
}

int record_table_insert(struct record_table *table, struct record *record)
{
	struct record **head;

	if (table->n_records >= table->n_buckets && grow(table) < 0)
		return -ENOMEM;
	record->hash = hash_key(object_key(&record->object));
	head = &table->buckets[record->hash & (table->n_buckets - 1)];
	record->next = *head;
	*head = record;
	table->n_records++;
	return 0;
}

void record_table_remove(struct record_table *table, struct record *record)
{
	struct record **link;

	link = &table->buckets[record->hash & (table->n_buckets - 1)];
	while (*link != record)
		link = &(*link)->next;
	*link = record->next;
	table->n_records--;
	record_free(table->pool, record);
}

void record_table_release(struct record_table *table)
{
	for (size_t i = 0; i < table->n_buckets; i++) {
		while (table->buckets[i]) {
			struct record *record = table->buckets[i];

			table->buckets[i] = record->next;
			record_free(table->pool, record);
		}
	}
	free(table->buckets);
	*table = (struct record_table){ .pool = table->pool };
}

int record_table_each(struct record_table *table, record_fn each, void *ctx)
{
	int sum = 0;

	for (size_t i = 0; i < table->n_buckets; i++) {
		struct record *record = table->buckets[i];

		while (record) {
			struct record *next = record->next;
			int r = each(ctx, record);

			if (r < 0)
				return r;
			sum += r;
			record = next;
		}
	}
	return sum;
}
