/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grid/parts.h"

/* ---- life --------------------------------------------------------------- */

void grid_free(struct grid *grid)
{
	if (!grid)
		return;
	cells_release(&grid->cells);
	slot_sets_release(&grid->slots);
	reach_free(grid->reach);
	arena_release(&grid->line_arena);
	arena_release(&grid->arena);
	free(grid);
}

void grid_freep(struct grid **grid)
{
	grid_free(*grid);
}

static bool is_named(void *ctx, const struct pod *pod)
{
	const struct grid_options *options = ctx;

	for (size_t i = 0; i < options->n_namespaces; i++) {
		if (strcmp(options->namespaces[i], pod->namespace) == 0)
			return true;
	}
	return false;
}

static int make_cells(struct grid *grid)
{
	grid->cells = (struct cells){
		.reach = grid->reach,
		.bundles = &grid->bundles,
		.slots = &grid->slots,
		.n_layers = grid->n_layers,
		.narrowed = grid->narrowed,
	};
	return cells_init(&grid->cells, &grid->arena);
}

static int make(struct grid *grid, const struct grid_options *options)
{
	struct reach_options reach = {
		.snapshots = { options->snapshots[0], options->snapshots[1] },
		.n_snapshots = options->n_snapshots,
		.is_inside = is_named,
		.is_inside_ctx = (void *)(uintptr_t)options,
	};
	int r = reach_new(&reach, &grid->reach, NULL);

	if (r == 0)
		r = slot_sets_init(&grid->slots);
	if (r == 0)
		r = grid_make_groups(grid, options->by);
	if (r == 0)
		r = grid_make_units(grid, options);
	return r < 0 ? r : make_cells(grid);
}

int grid_new(const struct grid_options *options, struct grid **out,
	     struct err *err)
{
	struct grid *grid = calloc(1, sizeof(*grid));
	int r = -ENOMEM;

	if (grid) {
		grid->n_views = options->n_snapshots;
		grid->n_layers = grid->n_views == 1 ? 1 : N_REACH_CHANGES;
		grid->narrowed = options->n_namespaces > 0;
		memcpy(grid->hash_key, options->hash_key,
		       sizeof(grid->hash_key));
		r = make(grid, options);
	}
	if (r < 0) {
		grid_free(grid);
		return err_set(err, r,
			       "not enough memory to see who may reach whom");
	}
	*out = grid;
	return 0;
}

/* ---- what there is ------------------------------------------------------ */

struct reach *grid_reach(const struct grid *grid)
{
	return grid->reach;
}

const struct grid_group *grid_groups(const struct grid *grid, size_t *n)
{
	*n = grid->n_groups;
	return grid->groups;
}

uint32_t grid_group_of(const struct grid *grid, uint32_t pod)
{
	return grid->group_of_pod[pod];
}

const struct grid_unit *grid_units(const struct grid *grid, size_t *n)
{
	*n = grid->n_units;
	return grid->units;
}

static int compare_policies(const void *a, const void *b)
{
	const struct network_policy *p =
		*(const struct network_policy *const *)a;
	const struct network_policy *q =
		*(const struct network_policy *const *)b;
	int order = strcmp(p->namespace, q->namespace);

	return order ? order : strcmp(p->name, q->name);
}

static size_t gather_policies(const struct grid *grid, enum reach_view view,
			      uint32_t unit, enum direction dir,
			      const struct network_policy **out)
{
	const struct object *const *last = NULL;
	size_t n = 0;

	for (uint32_t i = grid->first_class[unit];
	     i < grid->first_class[unit + 1]; i++) {
		const struct object *const *policies;
		size_t n_policies = reach_policies(
			grid->reach, view, grid->classes[i], dir, &policies);

		if (policies == last)
			continue;
		last = policies;
		for (size_t k = 0; k < n_policies; k++, n++) {
			if (out)
				out[n] = &policies[k]->policy;
		}
	}
	return n;
}

const struct network_policy *const *
grid_policies(const struct grid *grid, enum reach_view view,
	      const uint32_t *units, size_t n_units, enum direction dir,
	      struct arena *arena, size_t *n)
{
	const struct network_policy **policies;
	size_t room = 0, at = 0, kept = 0;

	for (size_t i = 0; i < n_units; i++)
		room += gather_policies(grid, view, units[i], dir, NULL);
	policies = arena_array(arena, room, sizeof(void *));
	if (!policies)
		return NULL;
	for (size_t i = 0; i < n_units; i++)
		at += gather_policies(grid, view, units[i], dir, policies + at);
	if (room > 1)
		qsort(policies, room, sizeof(void *), compare_policies);
	for (size_t i = 0; i < room; i++) {
		if (kept == 0 || policies[kept - 1] != policies[i])
			policies[kept++] = policies[i];
	}
	*n = kept;
	return policies;
}

/* ---- cells -------------------------------------------------------------- */

int grid_column(struct grid *grid, uint32_t to, struct grid_column *out)
{
	const struct cells *cells = &grid->cells;
	int r = cells_compute(&grid->cells, to);

	for (size_t i = 0; i < grid->n_layers; i++)
		out->cells[i] = cells->cells[i];
	out->sources = cells->sources;
	out->n_sources = cells->n_sources;
	return r;
}

bool grid_has_flow(const struct grid *grid, uint32_t from, uint32_t to)
{
	return (grid->units[from].is_inside || grid->units[to].is_inside) &&
	       bundles_n_pairs(&grid->bundles, from, to, false) > 0;
}

const uint32_t *grid_classes(const struct grid *grid, uint32_t unit, size_t *n)
{
	*n = grid->first_class[unit + 1] - grid->first_class[unit];
	return grid->classes + grid->first_class[unit];
}

size_t grid_n_ranges(const struct grid *grid, uint32_t set)
{
	return grid->slots.items[set].n;
}

void grid_ranges(const struct grid *grid, uint32_t set, struct slot_range *out)
{
	for (; set; set = grid->slots.items[set].before)
		out[grid->slots.items[set].n - 1] = grid->slots.items[set].last;
}
