/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grid/slot_set.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SETS 256

int slot_sets_init(struct slot_sets *sets)
{
	*sets = (struct slot_sets){
		.items = calloc(FIRST_SETS, sizeof(*sets->items)),
		.n = 1,
		.capacity = FIRST_SETS,
		.buckets = calloc(FIRST_SETS, sizeof(*sets->buckets)),
		.n_buckets = FIRST_SETS,
	};
	return sets->items && sets->buckets ? 0 : -ENOMEM;
}

void slot_sets_release(struct slot_sets *sets)
{
	free(sets->items);
	free(sets->buckets);
	*sets = (struct slot_sets){ 0 };
}

static size_t bucket_of(const struct slot_sets *sets, uint32_t before,
			struct slot_range last)
{
	uint64_t hash = (uint64_t)last.first << 32 | last.last;

	hash = (hash ^ before) * 0x9e3779b97f4a7c15;
	hash = (hash ^ hash >> 29) * 0x9e3779b97f4a7c15;
	return (hash >> 32) & (sets->n_buckets - 1);
}

static void enter(struct slot_sets *sets, uint32_t i)
{
	struct slot_set *set = &sets->items[i];
	size_t bucket = bucket_of(sets, set->before, set->last);

	set->next = sets->buckets[bucket];
	sets->buckets[bucket] = i;
}

static int grow(struct slot_sets *sets)
{
	size_t capacity = sets->capacity * 2;
	struct slot_set *items =
		reallocarray(sets->items, capacity, sizeof(*items));
	uint32_t *buckets;

	if (!items)
		return -ENOMEM;
	sets->items = items;
	buckets = calloc(capacity, sizeof(*buckets));
	if (!buckets || sets->n == UINT32_MAX) {
		free(buckets);
		return -ENOMEM;
	}
	free(sets->buckets);
	sets->buckets = buckets;
	sets->n_buckets = sets->capacity = capacity;
	for (uint32_t i = 1; i < sets->n; i++)
		enter(sets, i);
	return 0;
}

int slot_sets_extend(struct slot_sets *sets, uint32_t *set,
		     struct slot_range slots)
{
	const struct slot_set *old = &sets->items[*set];
	struct slot_set wanted = { *set, old->n + 1, slots, 0 };
	uint32_t i;

	/* What touches the last range makes it longer. */
	if (*set && old->last.last + 1 == slots.first) {
		wanted = *old;
		wanted.last.last = slots.last;
	}
	i = sets->buckets[bucket_of(sets, wanted.before, wanted.last)];
	for (; i; i = sets->items[i].next) {
		if (sets->items[i].before == wanted.before &&
		    sets->items[i].last.first == wanted.last.first &&
		    sets->items[i].last.last == wanted.last.last)
			break;
	}
	if (!i) {
		if (sets->n == sets->capacity && grow(sets) < 0)
			return -ENOMEM;
		i = sets->n++;
		sets->items[i] = wanted;
		enter(sets, i);
	}
	*set = i;
	return 0;
}
