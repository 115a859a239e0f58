/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "grid/parts.h"

/* Lines of one column while they are made. */
struct gathering {
	struct grid *grid;
	const struct grid_column *column;
	struct arena *arena;
	uint32_t *line_of_set; /* + 1; 0: it has none */
	struct grid_line *lines;
	size_t n, capacity;
};

static uint32_t set_of(const struct grid_cell *cell, bool is_some)
{
	return is_some ? cell->some : cell->all;
}

static int add_line(struct gathering *g, enum reach_change change, uint32_t set,
		    bool is_some)
{
	struct grid_line *lines = arena_room(g->arena, g->lines, g->n,
					     &g->capacity, sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	g->lines = lines;
	g->lines[g->n++] = (struct grid_line){
		.change = change,
		.set = set,
		.is_some = is_some,
	};
	g->line_of_set[set] = (uint32_t)g->n;
	return 0;
}

/* Count the sources of each set, and list those that are new. */
static int count(struct gathering *g, enum reach_change change, bool is_some)
{
	const struct grid_cell *cells = g->column->cells[change];
	int r = 0;

	for (size_t i = 0; i < g->column->n_sources && r == 0; i++) {
		uint32_t set = set_of(&cells[g->column->sources[i]], is_some);

		if (set == 0)
			continue;
		if (g->line_of_set[set] == 0)
			r = add_line(g, change, set, is_some);
		if (r == 0)
			g->lines[g->line_of_set[set] - 1].n_sources++;
	}
	return r;
}

/* All units are gone through, so that sources come in order. */
static int fill(struct gathering *g, enum reach_change change, bool is_some,
		size_t first)
{
	const struct grid_cell *cells = g->column->cells[change];
	uint32_t **ends = arena_array(g->arena, g->n - first, sizeof(*ends));

	if (!ends)
		return -ENOMEM;
	for (size_t i = first; i < g->n; i++) {
		ends[i - first] = arena_array(g->arena, g->lines[i].n_sources,
					      sizeof(uint32_t));
		if (!ends[i - first])
			return -ENOMEM;
		g->lines[i].sources = ends[i - first];
	}
	for (uint32_t i = 0; i < g->grid->n_units; i++) {
		uint32_t set = set_of(&cells[i], is_some);

		if (set)
			*ends[g->line_of_set[set] - 1 - first]++ = i;
	}
	for (size_t i = first; i < g->n; i++)
		g->line_of_set[g->lines[i].set] = 0;
	return 0;
}

/* ---- order -------------------------------------------------------------- */

static struct slot_range first_range(const struct grid *grid, uint32_t set)
{
	while (grid->slots.items[set].before)
		set = grid->slots.items[set].before;
	return grid->slots.items[set].last;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return 0;
}

/* What begins first; of these what is wider, so that "everything" leads. */
static int compare_lines(const void *a, const void *b, void *ctx)
{
	const struct grid_line *p = a, *q = b;
	const struct grid *grid = ctx;
	struct slot_range x = first_range(grid, p->set);
	struct slot_range y = first_range(grid, q->set);
	int order = compare_numbers(p->change, q->change);

	if (order == 0)
		order = (int)p->is_some - (int)q->is_some;
	if (order == 0)
		order = compare_numbers(x.first, y.first);
	if (order == 0)
		order = compare_numbers(y.last, x.last);
	return order ? order : compare_numbers(p->set, q->set);
}

int grid_lines(struct grid *grid, const struct grid_column *column,
	       struct grid_lines *out)
{
	struct gathering g = { .grid = grid,
			       .column = column,
			       .arena = &grid->line_arena };

	arena_clear(g.arena);
	g.line_of_set =
		arena_array(g.arena, grid->slots.n, sizeof(*g.line_of_set));
	if (!g.line_of_set)
		return -ENOMEM;
	for (size_t k = 0; k < 2 * grid->n_layers; k++) {
		enum reach_change change = k / 2;
		bool is_some = k % 2;
		size_t first = g.n;
		int r = count(&g, change, is_some);

		if (r == 0)
			r = fill(&g, change, is_some, first);
		if (r < 0)
			return r;
	}
	if (g.n > 1)
		qsort_r(g.lines, g.n, sizeof(*g.lines), compare_lines, grid);
	*out = (struct grid_lines){ g.lines, g.n };
	return 0;
}
