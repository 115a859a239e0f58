/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grid/bundle.h"

#include <errno.h>

static void describe(struct bundle *bundle, const struct reach_class *classes)
{
	for (uint32_t i = 0; i < bundle->n; i++) {
		const struct reach_class *class = &classes[bundle->classes[i]];

		bundle->n_of_family[class->family == IP_V6]++;
		bundle->is_outside = class->is_outside;
		bundle->is_inside = class->is_inside;
	}
}

int bundles_index(struct bundles *bundles, struct arena *arena,
		  const struct reach *reach)
{
	size_t n_classes, n = 0;
	const struct reach_class *classes = reach_classes(reach, &n_classes);
	uint32_t *at;

	bundles->reach = reach;
	for (uint32_t i = 0; i < bundles->n; i++)
		n += bundles->items[i].n;
	bundles->first = arena_array(arena, n_classes + 1, sizeof(uint32_t));
	bundles->of_class = arena_array(arena, n, sizeof(uint32_t));
	at = arena_array(arena, n_classes + 1, sizeof(uint32_t));
	if (!bundles->first || !bundles->of_class || !at)
		return -ENOMEM;
	for (uint32_t i = 0; i < bundles->n; i++) {
		describe(&bundles->items[i], classes);
		for (uint32_t k = 0; k < bundles->items[i].n; k++)
			bundles->first[bundles->items[i].classes[k] + 1]++;
	}
	for (size_t i = 0; i < n_classes; i++) {
		bundles->first[i + 1] += bundles->first[i];
		at[i] = bundles->first[i];
	}
	for (uint32_t i = 0; i < bundles->n; i++) {
		for (uint32_t k = 0; k < bundles->items[i].n; k++)
			bundles->of_class[at[bundles->items[i].classes[k]]++] =
				i;
	}
	return 0;
}

static uint32_t n_own_node(const struct reach *reach, const struct bundle *from,
			   const struct bundle *to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < from->n && from->is_outside; i++) {
		for (uint32_t k = 0; k < to->n; k++)
			n += reach_is_own_node(reach, from->classes[i],
					       to->classes[k]);
	}
	return n;
}

uint32_t bundles_n_pairs(const struct bundles *bundles, uint32_t from,
			 uint32_t to, bool with_self)
{
	const struct bundle *a = &bundles->items[from];
	const struct bundle *b = &bundles->items[to];
	uint32_t n = 0;

	if (a->is_outside && b->is_outside)
		return 0;
	for (int f = 0; f < 2; f++)
		n += a->n_of_family[f] * b->n_of_family[f];
	n -= n_own_node(bundles->reach, a, b);
	if (from != to || with_self)
		return n;
	for (uint32_t i = 0; i < a->n; i++)
		n -= a->is_alone[i];
	return n;
}
