/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* The first number that int64_t cannot hold. */
#define TWO_TO_63 9223372036854775808.0

bool tree_key_is(const struct tree *entry, const char *key)
{
	return entry->key && strlen(key) == entry->key_len &&
	       memcmp(entry->key, key, entry->key_len) == 0;
}

const struct tree *tree_first(const struct tree *tree)
{
	if (!tree || (tree->type != TREE_LIST && tree->type != TREE_MAP))
		return NULL;
	return tree->first;
}

const struct tree *tree_get(const struct tree *map, const char *key)
{
	const struct tree *found = NULL, *entry;
	const size_t len = strlen(key);

	if (!map || map->type != TREE_MAP)
		return NULL;
	for (entry = map->first; entry; entry = entry->next) {
		if (entry->key_len == len && entry->key &&
		    memcmp(entry->key, key, len) == 0)
			found = entry;
	}
	return found;
}

const struct tree *tree_get_set(const struct tree *map, const char *key)
{
	const struct tree *entry = tree_get(map, key);

	return entry && entry->type != TREE_NULL ? entry : NULL;
}

bool tree_text_is(const struct tree *tree, const char *text)
{
	return tree && tree->type == TREE_STRING && strlen(text) == tree->len &&
	       memcmp(tree->text, text, tree->len) == 0;
}

const char *tree_text(const struct tree *tree)
{
	return tree && tree->type == TREE_STRING ? tree->text : "";
}

bool tree_integer(const struct tree *tree, int64_t *out)
{
	if (!tree)
		return false;
	if (tree->type == TREE_INT) {
		*out = tree->integer;
		return true;
	}
	if (tree->type != TREE_FLOAT)
		return false;
	/* 2^63 itself is a double that no int64_t can hold. */
	if (!(tree->real >= -TWO_TO_63 && tree->real < TWO_TO_63))
		return false;
	if ((double)(int64_t)tree->real != tree->real)
		return false;
	*out = (int64_t)tree->real;
	return true;
}

int tree_compare_keys(const struct tree *a, const struct tree *b)
{
	size_t n = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(a->key, b->key, n);

	if (order != 0 || a->key_len == b->key_len)
		return order;
	return a->key_len < b->key_len ? -1 : 1;
}

struct ranked {
	struct tree *entry;
	size_t rank; /* place in the text: qsort(3) is not stable */
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = tree_compare_keys(x->entry, y->entry);

	if (order != 0)
		return order;
	return x->rank < y->rank ? -1 : 1;
}

struct tree **tree_sort(const struct tree *map, struct arena *arena)
{
	struct ranked *ranked = arena_array(arena, map->len, sizeof(*ranked));
	struct tree **sorted;
	size_t n = 0;

	/* Pointers are what is stored. */
	sorted = arena_array(arena, map->len, sizeof(void *));
	if (!ranked || !sorted)
		return NULL;
	for (struct tree *e = map->first; e; e = e->next, n++)
		ranked[n] = (struct ranked){ .entry = e, .rank = n };
	qsort(ranked, n, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < n; i++)
		sorted[i] = ranked[i].entry;
	return sorted;
}
