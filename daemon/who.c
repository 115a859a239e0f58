/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "who.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the index ---------------------------------------------------------- */

static void list_namespaces(struct who_index *index)
{
	for (uint32_t i = 0; i < index->n_groups; i++) {
		const struct grid_group *group = &index->groups[i];
		struct who_namespace *last =
			&index->namespaces[index->n_namespaces];

		if (i > 0 && strcmp(last[-1].name, group->namespace) == 0) {
			last--;
		} else {
			last->name = group->namespace;
			last->first = i;
			index->n_namespaces++;
		}
		last->end = i + 1;
		last->n_pods += group->n_pods;
		index->namespace_of[i] = (uint32_t)(last - index->namespaces);
	}
}

int who_index_init(struct who_index *index, const struct grid *grid)
{
	struct arena *arena = &index->arena;
	size_t n;

	*index = (struct who_index){ .grid = grid };
	index->groups = grid_groups(grid, &index->n_groups);
	index->units = grid_units(grid, &index->n_units);
	for (size_t i = 0; i < index->n_units; i++)
		index->n_outside += index->units[i].is_outside;
	n = index->n_groups;
	index->namespaces = arena_array(arena, n, sizeof(*index->namespaces));
	index->is_in = arena_array(arena, n, sizeof(*index->is_in));
	index->counts = arena_array(arena, n, sizeof(*index->counts));
	index->touched = arena_array(arena, n, sizeof(*index->touched));
	index->namespace_of =
		arena_array(arena, n, sizeof(*index->namespace_of));
	if (!index->namespaces || !index->is_in || !index->counts ||
	    !index->touched || !index->namespace_of)
		return -ENOMEM;
	list_namespaces(index);
	return outside_text_name(arena, grid, &index->outside);
}

void who_index_release(struct who_index *index)
{
	arena_release(&index->arena);
	arena_release(&index->scratch);
}

/* ---- one set ------------------------------------------------------------ */

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *p = a, *q = b;

	if (*p != *q)
		return *p < *q ? -1 : 1;
	return 0;
}

/* Mark groups, and the namespaces that they are of. */
static void touch(struct who_index *index, const struct grid_unit *unit,
		  size_t *n_touched)
{
	for (uint32_t i = 0; i < unit->n_members; i++) {
		uint32_t group = unit->members[i];
		uint32_t namespace = index->namespace_of[group];

		index->is_in[group] = true;
		if (index->counts[namespace]++ == 0)
			index->touched[(*n_touched)++] = namespace;
	}
}

/* What of a namespace is marked; the marks go. */
static struct who_part take_part(struct who_index *index, uint32_t namespace,
				 uint32_t **groups)
{
	struct who_part part = {
		.namespace = &index->namespaces[namespace],
		.groups = *groups,
	};

	for (uint32_t i = part.namespace->first; i < part.namespace->end; i++) {
		if (!index->is_in[i])
			continue;
		index->is_in[i] = false;
		*(*groups)++ = i;
		part.n_groups++;
		part.n_pods += index->groups[i].n_pods;
	}
	part.is_all =
		part.n_groups == part.namespace->end - part.namespace->first;
	index->counts[namespace] = 0;
	return part;
}

static int list_parts(struct who_index *index, const uint32_t *units, size_t n,
		      size_t n_groups, struct who *out)
{
	uint32_t *groups =
		arena_array(&index->scratch, n_groups, sizeof(*groups));
	struct who_part *parts;
	size_t n_touched = 0;

	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!index->units[units[i]].is_outside)
			touch(index, &index->units[units[i]], &n_touched);
	}
	if (n_touched > 1)
		qsort(index->touched, n_touched, sizeof(*index->touched),
		      compare_numbers);
	parts = arena_array(&index->scratch, n_touched, sizeof(*parts));
	for (size_t i = 0; parts && i < n_touched; i++)
		parts[i] = take_part(index, index->touched[i], &groups);
	out->parts = parts;
	out->n_parts = n_touched;
	return parts ? 0 : -ENOMEM;
}

int who_sort(struct who_index *index, const uint32_t *units, size_t n,
	     struct who *out)
{
	size_t n_groups = 0;
	uint32_t *outside;

	arena_clear(&index->scratch);
	outside = arena_array(&index->scratch, n, sizeof(*outside));
	if (!outside)
		return -ENOMEM;
	*out = (struct who){ .outside = outside };
	for (size_t i = 0; i < n; i++) {
		const struct grid_unit *unit = &index->units[units[i]];

		if (unit->is_outside)
			outside[out->n_outside++] = units[i];
		else
			n_groups += unit->n_members;
	}
	out->all_pods = n_groups > 0 && n_groups == index->n_groups;
	out->all_outside =
		out->n_outside > 0 && out->n_outside == index->n_outside;
	return list_parts(index, units, n, n_groups, out);
}
