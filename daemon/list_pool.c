/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "list_pool.h"

#include <errno.h>
#include <string.h>

#define FIRST_LISTS 256

static size_t bucket_of(const struct list_pool *pool, const uint32_t *items,
			uint32_t n)
{
	uint64_t hash = n;

	for (uint32_t i = 0; i < n; i++) {
		hash = (hash ^ items[i]) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
	}
	return (hash ^ hash >> 32) & (pool->n_buckets - 1);
}

static void enter(struct list_pool *pool, uint32_t i)
{
	struct pooled_list *list = &pool->lists[i];
	size_t bucket = bucket_of(pool, list->items, list->n);

	list->next = pool->buckets[bucket];
	pool->buckets[bucket] = i + 1;
}

/* What was there before stays in the arena: half of all at most. */
static int grow(struct list_pool *pool)
{
	size_t capacity = pool->capacity ? pool->capacity * 2 : FIRST_LISTS;
	struct pooled_list *lists =
		arena_array(&pool->arena, capacity, sizeof(*lists));
	uint32_t *buckets =
		arena_array(&pool->arena, capacity, sizeof(*buckets));

	if (!lists || !buckets || capacity > UINT32_MAX)
		return -ENOMEM;
	if (pool->n)
		memcpy(lists, pool->lists, pool->n * sizeof(*lists));
	pool->lists = lists;
	pool->buckets = buckets;
	pool->capacity = pool->n_buckets = capacity;
	for (uint32_t i = 0; i < pool->n; i++)
		enter(pool, i);
	return 0;
}

static int add(struct list_pool *pool, const uint32_t *items, uint32_t n)
{
	uint32_t *copy = arena_array(&pool->arena, n, sizeof(*copy));

	if (!copy || (pool->n == pool->capacity && grow(pool) < 0))
		return -ENOMEM;
	if (n)
		memcpy(copy, items, n * sizeof(*copy));
	pool->lists[pool->n] = (struct pooled_list){ .items = copy, .n = n };
	enter(pool, (uint32_t)pool->n++);
	return 0;
}

int list_pool_get(struct list_pool *pool, const uint32_t *items, uint32_t n,
		  uint32_t *out)
{
	uint32_t at =
		pool->n_buckets ? pool->buckets[bucket_of(pool, items, n)] : 0;
	int r = 0;

	for (; at; at = pool->lists[at - 1].next) {
		const struct pooled_list *list = &pool->lists[at - 1];

		if (list->n == n && (n == 0 || memcmp(list->items, items,
						      n * sizeof(*items)) == 0))
			break;
	}
	if (!at) {
		r = add(pool, items, n);
		at = (uint32_t)pool->n;
	}
	*out = at - 1;
	return r;
}

void list_pool_release(struct list_pool *pool)
{
	arena_release(&pool->arena);
	*pool = (struct list_pool){ 0 };
}
