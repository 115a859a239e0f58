/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reach/partition.h"

#include <errno.h>
#include <stdlib.h>

int partition_init(struct partition *partition, struct arena *arena, size_t n)
{
	struct partition p = {
		.classes = arena_array(arena, n, sizeof(uint32_t)),
		.n = n,
		.n_classes = n > 0,
		.sizes = arena_array(arena, n + 1, sizeof(uint32_t)),
		.inside = arena_array(arena, n + 1, sizeof(uint32_t)),
		.to = arena_array(arena, n + 1, sizeof(uint32_t)),
		.from = arena_array(arena, n + 1, sizeof(uint32_t)),
	};

	if (n >= UINT32_MAX || !p.classes || !p.sizes || !p.inside || !p.to ||
	    !p.from)
		return -ENOMEM;
	p.sizes[0] = (uint32_t)n;
	*partition = p;
	return 0;
}

/* A class of which all is in the set stays as it is. */
static void move(struct partition *p, uint32_t thing)
{
	uint32_t class = p->classes[thing];

	if (p->inside[class] == p->sizes[class])
		return;
	if (p->to[class] == 0) {
		p->to[class] = p->n_classes++;
		p->from[p->to[class]] = class;
	}
	p->classes[thing] = p->to[class];
	p->sizes[p->to[class]]++;
}

/* Sizes are put right only when nothing of a class is left to be moved. */
static void settle(struct partition *p, uint32_t thing)
{
	uint32_t class = p->classes[thing];
	uint32_t from = p->from[class];

	p->inside[class] = 0;
	if (p->to[from] != class)
		return;
	p->sizes[from] -= p->inside[from];
	p->inside[from] = 0;
	p->to[from] = 0;
	p->from[class] = 0;
}

void partition_split(struct partition *partition, const uint32_t *things,
		     size_t n)
{
	struct partition *p = partition;

	for (size_t i = 0; i < n; i++)
		p->inside[p->classes[things[i]]]++;
	for (size_t i = 0; i < n; i++)
		move(p, things[i]);
	for (size_t i = 0; i < n; i++)
		settle(p, things[i]);
}

/* ---- keys --------------------------------------------------------------- */

struct keyed {
	uint32_t key;
	uint32_t thing;
};

static int compare_keyed(const void *a, const void *b)
{
	const struct keyed *p = a, *q = b;

	if (p->key != q->key)
		return p->key < q->key ? -1 : 1;
	return 0;
}

int partition_split_by_key(struct partition *partition, const uint32_t *keys)
{
	size_t n = partition->n;
	struct keyed *order = calloc(n + 1, sizeof(*order));
	uint32_t *things = calloc(n + 1, sizeof(*things));

	if (order && things && n > 0) {
		for (size_t i = 0; i < n; i++)
			order[i] = (struct keyed){ keys[i], (uint32_t)i };
		qsort(order, n, sizeof(*order), compare_keyed);
		for (size_t i = 0; i < n; i++)
			things[i] = order[i].thing;
		for (size_t first = 0, i = 1; i <= n; i++) {
			if (i < n && order[i].key == order[first].key)
				continue;
			partition_split(partition, things + first, i - first);
			first = i;
		}
	}
	free(order);
	free(things);
	return order && things ? 0 : -ENOMEM;
}
