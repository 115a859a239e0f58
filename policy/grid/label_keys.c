/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grid/label_keys.h"

#include <errno.h>
#include <string.h>

struct listing {
	struct arena *arena;
	struct label_keys *keys;
};

/* Where a key is, or is to be put. */
static size_t find(const struct label_keys *keys, const char *key)
{
	size_t low = 0, high = keys->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(keys->items[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct label_keys *keys, size_t i, const char *key)
{
	return i < keys->n && strcmp(keys->items[i], key) == 0;
}

bool label_keys_has(const struct label_keys *keys, const char *key)
{
	return is_at(keys, find(keys, key), key);
}

static int add(struct listing *l, const char *key)
{
	struct label_keys *keys = l->keys;
	size_t at = find(keys, key);

	if (is_at(keys, at, key))
		return 0;
	if (keys->n == keys->capacity) {
		size_t capacity = keys->capacity ? keys->capacity * 2 : 16;
		const char **items =
			arena_array(l->arena, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		if (keys->n)
			memcpy(items, keys->items, keys->n * sizeof(*items));
		keys->items = items;
		keys->capacity = capacity;
	}
	memmove(keys->items + at + 1, keys->items + at,
		(keys->n - at) * sizeof(*keys->items));
	keys->items[at] = key;
	keys->n++;
	return 0;
}

static int add_selector(struct listing *l, const struct selector *selector)
{
	int r = 0;

	for (size_t i = 0; selector && i < selector->n && r == 0; i++)
		r = add(l, selector->requirements[i].key);
	return r;
}

static int add_policy(struct listing *l, const struct network_policy *policy)
{
	int r = add_selector(l, &policy->pod_selector);

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; i < policy->n_rules[dir]; i++) {
			const struct rule *rule = &policy->rules[dir][i];

			for (size_t k = 0; k < rule->n_peers && r == 0; k++)
				r = add_selector(l,
						 rule->peers[k].pod_selector);
		}
	}
	return r;
}

static int add_view(struct listing *l, const struct reach *reach,
		    enum reach_view view, enum direction dir)
{
	const struct object *const *last = NULL;
	size_t n_classes;
	int r = 0;

	reach_classes(reach, &n_classes);
	for (uint32_t i = 0; i < n_classes && r == 0; i++) {
		const struct object *const *policies;
		size_t n = reach_policies(reach, view, i, dir, &policies);

		/* Neighbours are often isolated by the same ones. */
		if (policies == last)
			continue;
		last = policies;
		for (size_t k = 0; k < n && r == 0; k++)
			r = add_policy(l, &policies[k]->policy);
	}
	return r;
}

int label_keys_list(struct arena *arena, const struct reach *reach,
		    size_t n_views, struct label_keys *out)
{
	struct listing listing = { arena, out };
	int r = 0;

	*out = (struct label_keys){ 0 };
	for (size_t v = 0; v < n_views; v++) {
		for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
			r = add_view(&listing, reach, v, dir);
	}
	return r;
}
