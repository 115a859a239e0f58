/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was seen, each once: a table in the order of first sight, and places of
 * it by a keyed hash, at most half of them taken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/hash.h"

#include "suggest/parts.h"

#define FIRST_SLOTS 1024

static uint32_t *find_slot(const struct suggest_sights *sights,
			   const uint64_t hash_key[2],
			   const struct suggest_sight_key *key)
{
	size_t i = hash_keyed(hash_key, key, sizeof(*key));

	for (;; i++) {
		uint32_t *slot = &sights->slots[i & (sights->n_slots - 1)];

		if (*slot == 0 || memcmp(&sights->items[*slot - 1].key, key,
					 sizeof(*key)) == 0)
			return slot;
	}
}

static int grow_slots(struct suggest_sights *sights, const uint64_t hash_key[2])
{
	size_t n = sights->n_slots ? sights->n_slots * 2 : FIRST_SLOTS;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(sights->slots);
	sights->slots = slots;
	sights->n_slots = n;
	for (size_t i = 0; i < sights->n; i++)
		*find_slot(sights, hash_key, &sights->items[i].key) =
			(uint32_t)(i + 1);
	return 0;
}

static int grow_items(struct suggest_sights *sights)
{
	size_t capacity = sights->capacity ? sights->capacity * 2 : FIRST_SLOTS;
	struct suggest_sight *items;

	if (capacity > UINT32_MAX / 2)
		return -ENOMEM;
	items = reallocarray(sights->items, capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	sights->items = items;
	sights->capacity = capacity;
	return 0;
}

static void join(struct suggest_sight *known, const struct suggest_sight *again)
{
	suggest_uses_join(&known->uses, &again->uses);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		known->covered[dir] =
			known->covered[dir] && again->covered[dir];
}

int suggest_sights_add(struct suggest_sights *sights,
		       const uint64_t hash_key[2],
		       const struct suggest_sight *sight)
{
	uint32_t *slot;

	if (sights->n * 2 >= sights->n_slots &&
	    grow_slots(sights, hash_key) < 0)
		return -ENOMEM;
	if (sights->n == sights->capacity && grow_items(sights) < 0)
		return -ENOMEM;
	slot = find_slot(sights, hash_key, &sight->key);
	if (*slot) {
		join(&sights->items[*slot - 1], sight);
		return 0;
	}
	sights->items[sights->n] = *sight;
	*slot = (uint32_t)++sights->n;
	return 0;
}

void suggest_sights_release(struct suggest_sights *sights)
{
	free(sights->items);
	free(sights->slots);
	*sights = (struct suggest_sights){ 0 };
}
