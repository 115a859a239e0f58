/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/memo_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/hash.h"

#define FIRST_CAPACITY 64

struct memo_table {
	uint64_t hash_key[2];
	struct memo_place *places;
	size_t n, capacity;
	/* Twice as many as there is room for places, a power of two; a place's
	   number and one, 0 where there is none. */
	uint32_t *index;
};

static size_t index_mask(const struct memo_table *table)
{
	return table->capacity * 2 - 1;
}

static void index_put(struct memo_table *table, size_t place)
{
	size_t mask = index_mask(table);
	size_t i = table->places[place].hash & mask;

	while (table->index[i])
		i = (i + 1) & mask;
	table->index[i] = (uint32_t)place + 1;
}

static void index_all(struct memo_table *table)
{
	memset(table->index, 0, table->capacity * 2 * sizeof(*table->index));
	for (size_t i = 0; i < table->n; i++)
		index_put(table, i);
}

static int grow(struct memo_table *table)
{
	size_t capacity =
		table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
	struct memo_place *places =
		reallocarray(table->places, capacity, sizeof(*places));
	uint32_t *index;

	if (!places)
		return -ENOMEM;
	table->places = places;
	index = calloc(capacity * 2, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(table->index);
	table->index = index;
	table->capacity = capacity;
	index_all(table);
	return 0;
}

struct memo_table *memo_table_new(const uint64_t hash_key[2])
{
	struct memo_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	memcpy(table->hash_key, hash_key, sizeof(table->hash_key));
	if (grow(table) < 0) {
		memo_table_free(table);
		return NULL;
	}
	return table;
}

void memo_table_free(struct memo_table *table)
{
	if (!table)
		return;
	free(table->places);
	free(table->index);
	free(table);
}

static uint32_t hash_of(const struct memo_table *table, const struct memo *memo)
{
	return (uint32_t)hash_keyed(table->hash_key, memo, MEMO_KEY_LEN);
}

static struct memo_place *find(const struct memo_table *table,
			       const struct memo *memo, uint32_t hash)
{
	size_t mask = index_mask(table);

	for (size_t i = hash & mask; table->index[i]; i = (i + 1) & mask) {
		struct memo_place *place = &table->places[table->index[i] - 1];

		if (place->hash == hash && memo_equal(&place->memo, memo))
			return place;
	}
	return NULL;
}

bool memo_table_put(struct memo_table *table, const struct memo *memo,
		    int64_t now_us, bool *failed)
{
	uint32_t hash = hash_of(table, memo);
	struct memo_place *place = find(table, memo, hash);

	if (place) {
		place->since_us = now_us;
		return false;
	}
	if (table->n == table->capacity && grow(table) < 0) {
		*failed = true;
		return false;
	}
	table->places[table->n] = (struct memo_place){ .memo = *memo,
						       .since_us = now_us,
						       .hash = hash };
	index_put(table, table->n++);
	return true;
}

bool memo_table_has(const struct memo_table *table, const struct memo *memo)
{
	return find(table, memo, hash_of(table, memo));
}

struct memo_place *memo_table_places(struct memo_table *table, size_t *n)
{
	*n = table->n;
	return table->places;
}

size_t memo_table_count(const struct memo_table *table)
{
	return table->n;
}

size_t memo_table_remove_wrong(struct memo_table *table)
{
	size_t kept = 0, n_removed;

	for (size_t i = 0; i < table->n; i++) {
		if (table->places[i].wrong)
			continue;
		if (kept != i)
			table->places[kept] = table->places[i];
		kept++;
	}
	n_removed = table->n - kept;
	table->n = kept;
	if (n_removed)
		index_all(table);
	return n_removed;
}

void memo_table_clear(struct memo_table *table)
{
	table->n = 0;
	index_all(table);
}
