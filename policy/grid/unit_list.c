/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is in each unit, once every bundle has found its own.
 */
#include <errno.h>
#include <string.h>

#include "grid/unit.h"

struct listing {
	struct grid *grid;
	struct arena scratch;
	const struct bundling *bundling;
	const uint32_t *unit_of_bundle;
};

/* ---- lists by unit ------------------------------------------------------ */

/* Things in the order of their units; those of unit i begin at first[i]. */
struct by_unit {
	uint32_t *things;
	uint32_t *first; /* one more at the end */
};

static int sort_by_unit(struct listing *l, const uint32_t *units, size_t n,
			struct by_unit *out)
{
	uint32_t n_units = l->grid->n_units;
	struct arena *arena = &l->grid->arena;
	uint32_t *at = arena_array(&l->scratch, n_units + 1, sizeof(*at));

	out->things = arena_array(arena, n, sizeof(uint32_t));
	out->first = arena_array(arena, n_units + 1, sizeof(uint32_t));
	if (!at || !out->things || !out->first)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		out->first[units[i] + 1]++;
	for (uint32_t i = 0; i < n_units; i++) {
		out->first[i + 1] += out->first[i];
		at[i] = out->first[i];
	}
	for (size_t i = 0; i < n; i++)
		out->things[at[units[i]]++] = (uint32_t)i;
	return 0;
}

/* Things become the members of units that have some. */
static int set_members(struct listing *l, const uint32_t *units, size_t n)
{
	struct by_unit list;
	int r = sort_by_unit(l, units, n, &list);

	for (uint32_t i = 0; r == 0 && i < l->grid->n_units; i++) {
		struct grid_unit *unit = &l->grid->units[i];
		uint32_t n_members = list.first[i + 1] - list.first[i];

		if (n_members == 0)
			continue;
		unit->members = list.things + list.first[i];
		unit->n_members = n_members;
	}
	return r;
}

static int list_groups(struct listing *l)
{
	struct grid *grid = l->grid;
	size_t n = grid->n_groups;
	uint32_t *units = arena_array(&l->scratch, n, sizeof(*units));

	if (!units)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		units[i] = l->unit_of_bundle[l->bundling->of_group[i]];
		grid->groups[i].unit = units[i];
		grid->units[units[i]].n_pods += grid->groups[i].n_pods;
	}
	return set_members(l, units, n);
}

/* Addresses of one pod are neighbours. */
static void count_isolated(struct grid *grid)
{
	size_t n, n_classes;
	const struct reach_pod *pods = reach_pods(grid->reach, &n);
	const struct reach_class *classes =
		reach_classes(grid->reach, &n_classes);

	for (size_t i = 0; i < n; i++) {
		const struct reach_class *class = &classes[pods[i].class];
		struct grid_unit *unit =
			&grid->units[grid->groups[grid->group_of_pod[i]].unit];

		if (i > 0 && pods[i].pods[0] == pods[i - 1].pods[0])
			continue;
		for (size_t v = 0; v < grid->n_views; v++) {
			for (int dir = 0; dir < N_DIRECTIONS; dir++)
				unit->n_isolated[v][dir] +=
					class->isolated[v][dir];
		}
	}
}

/* A class outside is one bundle, and all of its ranges are of it. */
static int list_ranges(struct listing *l)
{
	const struct bundles *bundles = &l->bundling->bundles;
	size_t n;
	const struct reach_range *ranges = reach_ranges(l->grid->reach, &n);
	uint32_t *units = arena_array(&l->scratch, n, sizeof(*units));

	if (!units)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint32_t at = bundles->first[ranges[i].class];

		units[i] = l->unit_of_bundle[bundles->of_class[at]];
	}
	return set_members(l, units, n);
}

/* ---- classes ------------------------------------------------------------ */

/* Of all bundles, not only of the one that stands for the unit. */
static int list_classes(struct listing *l)
{
	const struct bundles *bundles = &l->bundling->bundles;
	uint32_t *units, *classes;
	struct by_unit list;
	size_t n = 0, at = 0;

	for (uint32_t i = 0; i < bundles->n; i++)
		n += bundles->items[i].n;
	units = arena_array(&l->scratch, n, sizeof(*units));
	classes = arena_array(&l->scratch, n, sizeof(*classes));
	if (!units || !classes)
		return -ENOMEM;
	for (uint32_t i = 0; i < bundles->n; i++) {
		for (uint32_t k = 0; k < bundles->items[i].n; k++) {
			units[at] = l->unit_of_bundle[i];
			classes[at++] = bundles->items[i].classes[k];
		}
	}
	if (sort_by_unit(l, units, n, &list) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		list.things[i] = classes[list.things[i]];
	l->grid->classes = list.things;
	l->grid->first_class = list.first;
	return 0;
}

/* ---- the bundle that stands for a unit ---------------------------------- */

static void describe(struct grid *grid, uint32_t unit,
		     const struct bundle *bundle)
{
	struct grid_unit *out = &grid->units[unit];
	uint32_t bits = grid_isolation(grid, bundle);

	out->is_outside = bundle->is_outside;
	out->is_inside = !grid->narrowed || bundle->is_inside;
	for (size_t v = 0; v < grid->n_views; v++) {
		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			out->isolated[v][dir] |=
				bits >> (v * N_DIRECTIONS + (size_t)dir) & 1;
	}
}

static int copy_bundle(struct arena *arena, const struct bundle *from,
		       struct bundle *to)
{
	uint32_t *classes = arena_array(arena, from->n, sizeof(*classes));
	bool *is_alone = arena_array(arena, from->n, sizeof(*is_alone));

	if (!classes || !is_alone)
		return -ENOMEM;
	memcpy(classes, from->classes, from->n * sizeof(*classes));
	memcpy(is_alone, from->is_alone, from->n * sizeof(*is_alone));
	*to = (struct bundle){ .classes = classes,
			       .is_alone = is_alone,
			       .n = from->n };
	return 0;
}

/* The first of each. Where there is a second, nobody is alone. */
static int choose_bundles(struct listing *l)
{
	struct grid *grid = l->grid;
	const struct bundles *bundles = &l->bundling->bundles;
	struct bundle *chosen =
		arena_array(&grid->arena, grid->n_units, sizeof(*chosen));
	uint32_t *n = arena_array(&l->scratch, grid->n_units, sizeof(*n));
	int r = 0;

	if (!chosen || !n)
		return -ENOMEM;
	for (uint32_t i = 0; i < bundles->n && r == 0; i++) {
		uint32_t unit = l->unit_of_bundle[i];

		describe(grid, unit, &bundles->items[i]);
		if (n[unit]++ == 0)
			r = copy_bundle(&grid->arena, &bundles->items[i],
					&chosen[unit]);
	}
	for (uint32_t i = 0; i < grid->n_units && r == 0; i++) {
		for (uint32_t k = 0; n[i] > 1 && k < chosen[i].n; k++)
			chosen[i].is_alone[k] = false;
	}
	grid->bundles = (struct bundles){ .items = chosen, .n = grid->n_units };
	return r < 0 ? r
		     : bundles_index(&grid->bundles, &grid->arena, grid->reach);
}

/* ---- all of it ---------------------------------------------------------- */

int grid_list_units(struct grid *grid, const struct bundling *bundling,
		    const uint32_t *unit_of_bundle)
{
	struct listing listing = { .grid = grid,
				   .bundling = bundling,
				   .unit_of_bundle = unit_of_bundle };
	int r = -ENOMEM;

	grid->units =
		arena_array(&grid->arena, grid->n_units, sizeof(*grid->units));
	if (grid->units)
		r = list_groups(&listing);
	if (r == 0)
		count_isolated(grid);
	if (r == 0)
		r = list_ranges(&listing);
	if (r == 0)
		r = list_classes(&listing);
	if (r == 0)
		r = choose_bundles(&listing);
	arena_release(&listing.scratch);
	return r;
}
