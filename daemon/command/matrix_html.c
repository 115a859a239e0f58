/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matrix as a page for a browser. What is written here are its data
 * (matrix_html.h); how they look is in daemon/page.
 */
#include "command/matrix_html.h"

#include <errno.h>
#include <stdlib.h>

#include "command/grouping.h"
#include "command/matrix.h"
#include "command/usage.h"
#include "grid_json.h"
#include "netpold/arena.h"
#include "page/page.h"
#include "progress.h"
#include "source/offline.h"

/* More would be slow to look at, and nobody could. */
#define MAX_UNITS 1500

/* The first cells: nothing is allowed, and nobody is there to ask. */
enum { CELL_NOTHING = 0, CELL_NO_FLOW = 1 };

/* ---- lines -------------------------------------------------------------- */

int html_end_line(struct matrix_html *h)
{
	int r = h->text.failed ? -ENOMEM : 0;

	if (r == 0)
		page_write_data(h->out, h->text.data, h->text.len);
	fputc('\n', h->out);
	json_text_clear(&h->text);
	return r;
}

void html_begin_key(struct matrix_html *h, const char *key)
{
	fprintf(h->out, "%s\"%s\":", h->has_value ? "," : "", key);
	h->has_value = true;
}

static void write_number(struct matrix_html *h, const char *key, size_t value)
{
	json_text_key(&h->text, key);
	json_text_number(&h->text, value);
}

/* A row of numbers as runs. */
void html_write_row(struct matrix_html *h)
{
	json_text_begin_array(&h->text);
	for (uint32_t i = 0, end; i < h->n_units; i = end) {
		for (end = i + 1; end < h->n_units && h->row[end] == h->row[i];)
			end++;
		json_text_number(&h->text, h->row[i]);
		json_text_number(&h->text, end - i);
	}
	json_text_end_array(&h->text);
}

/* ---- cells -------------------------------------------------------------- */

static int get_cell(struct matrix_html *h, uint32_t all, uint32_t some,
		    uint32_t *out)
{
	const uint32_t cell[2] = { all, some };

	return list_pool_get(&h->cells, cell, 2, out);
}

static int write_column(struct matrix_html *h, uint32_t to)
{
	struct grid_column column;
	int r = grid_column(h->matrix->grid, to, &column);

	for (uint32_t i = 0; i < h->n_units && r == 0; i++) {
		const struct grid_cell *cell = &column.cells[0][i];

		if (!grid_has_flow(h->matrix->grid, i, to))
			h->row[i] = CELL_NO_FLOW;
		else
			r = get_cell(h, cell->all, cell->some, &h->row[i]);
	}
	html_write_row(h);
	fputs(to > 0 ? "," : "", h->out);
	return r < 0 ? r : html_end_line(h);
}

static int write_columns(struct matrix_html *h)
{
	uint32_t first;
	int r = get_cell(h, 0, 0, &first);

	/* No set has this number: nobody asks for it. */
	if (r == 0)
		r = get_cell(h, UINT32_MAX, UINT32_MAX, &first);
	html_begin_key(h, "columns");
	fputs("[\n", h->out);
	for (uint32_t i = 0; i < h->n_units && r == 0; i++) {
		progress_tell(h->matrix->progress, i, "destinations told");
		r = write_column(h, i);
	}
	fputs("]\n", h->out);
	return r;
}

/* Sets by their numbers: words, and ranges to search in. */
static int write_set(struct matrix_html *h, uint32_t set)
{
	size_t n = grid_n_ranges(h->matrix->grid, set);
	struct slot_range *ranges;
	int r;

	arena_clear(&h->scratch);
	ranges = arena_array(&h->scratch, n, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	grid_ranges(h->matrix->grid, set, ranges);
	json_text_begin_array(&h->text);
	json_text_number(&h->text, set);
	r = grid_json_write_ports_text(&h->text, h->matrix->grid, set);
	for (size_t i = 0; i < n; i++) {
		json_text_number(&h->text, ranges[i].first);
		json_text_number(&h->text, ranges[i].last);
	}
	json_text_end_array(&h->text);
	return r;
}

static int write_cells(struct matrix_html *h)
{
	int r = 0;

	html_begin_key(h, "cells");
	json_text_begin_array(&h->text);
	for (size_t i = 0; i < h->cells.n; i++) {
		json_text_begin_array(&h->text);
		for (int k = 0; k < 2 && i != CELL_NO_FLOW; k++)
			json_text_number(&h->text, h->cells.lists[i].items[k]);
		json_text_end_array(&h->text);
	}
	json_text_end_array(&h->text);
	if (html_end_line(h) < 0)
		return -ENOMEM;
	html_begin_key(h, "sets");
	json_text_begin_array(&h->text);
	for (size_t i = 0; i < h->cells.n && r == 0; i++) {
		for (int k = 0; k < 2 && i != CELL_NO_FLOW && r == 0; k++) {
			if (h->cells.lists[i].items[k])
				r = write_set(h, h->cells.lists[i].items[k]);
		}
	}
	json_text_end_array(&h->text);
	return r < 0 ? r : html_end_line(h);
}

/* ---- units -------------------------------------------------------------- */

static int write_isolating(struct matrix_html *h, uint32_t unit,
			   enum direction dir)
{
	size_t n;
	const struct network_policy *const *policies = grid_policies(
		h->matrix->grid, REACH_OLD, &unit, 1, dir, &h->scratch, &n);
	int r = policies ? 0 : -ENOMEM;

	json_text_key(&h->text, direction_name(dir));
	json_text_begin_array(&h->text);
	for (size_t i = 0; i < n && r == 0; i++) {
		uint32_t place;

		r = html_get_policy(h, policies[i], &place);
		json_text_number(&h->text, place);
	}
	json_text_end_array(&h->text);
	return r;
}

static int write_unit(struct matrix_html *h, uint32_t unit)
{
	const struct grid_unit *u = &h->units[unit];
	struct who_index *index = &h->matrix->index;
	int r;

	arena_clear(&h->scratch);
	json_text_begin_object(&h->text);
	json_text_key(&h->text, "title");
	r = grid_json_write_who(&h->text, index, &unit, 1);
	json_text_key(&h->text, "groups");
	grid_json_write_groups(&h->text, index, &unit, 1);
	json_text_key(&h->text, "ranges");
	grid_json_write_ranges(&h->text, index, &unit, 1);
	write_number(h, "pods", u->n_pods);
	json_text_key(&h->text, "inside");
	json_text_bool(&h->text, u->is_inside);
	json_text_key(&h->text, "n_isolated");
	json_text_begin_object(&h->text);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		write_number(h, direction_name(dir),
			     u->n_isolated[REACH_OLD][dir]);
	json_text_end_object(&h->text);
	json_text_key(&h->text, "tables");
	json_text_begin_array(&h->text);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		json_text_number(&h->text, h->table_of[dir][unit]);
	json_text_end_array(&h->text);
	json_text_key(&h->text, "isolated");
	json_text_begin_object(&h->text);
	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
		r = write_isolating(h, unit, dir);
	json_text_end_object(&h->text);
	json_text_end_object(&h->text);
	fputs(unit > 0 ? "," : "", h->out);
	return r < 0 ? r : html_end_line(h);
}

static int write_units(struct matrix_html *h)
{
	int r = 0;

	html_begin_key(h, "units");
	fputs("[\n", h->out);
	for (uint32_t i = 0; i < h->n_units && r == 0; i++)
		r = write_unit(h, i);
	fputs("]\n", h->out);
	return r;
}

/* ---- all of it ---------------------------------------------------------- */

static int write_counts(struct matrix_html *h)
{
	const struct matrix *m = h->matrix;

	html_begin_key(h, "by");
	fprintf(h->out, "\"%s\"", grouping_name(m->by));
	html_begin_key(h, "only");
	json_text_begin_array(&h->text);
	for (size_t i = 0; i < m->namespaces->n; i++)
		json_text_string(&h->text, m->namespaces->items[i]);
	json_text_end_array(&h->text);
	if (html_end_line(h) < 0)
		return -ENOMEM;
	html_begin_key(h, "counts");
	json_text_begin_object(&h->text);
	write_number(h, "pods", m->offline->n_pods);
	write_number(h, "namespaces", m->index.n_namespaces);
	write_number(h, "groups", m->index.n_groups);
	write_number(h, "policies", m->offline->n_policies);
	write_number(h, "staged_policies", m->offline->n_staged);
	write_number(h, "without_address", m->offline->n_without_address);
	write_number(h, "displaced", m->offline->n_displaced);
	write_number(h, "on_host_network", m->offline->n_on_host);
	json_text_end_object(&h->text);
	return html_end_line(h);
}

static int write_data(struct matrix_html *h)
{
	int r = 0;

	h->row = arena_array(&h->arena, h->n_units, sizeof(*h->row));
	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++) {
		h->table_of[dir] =
			arena_array(&h->arena, h->n_units, sizeof(uint32_t));
		r = h->row && h->table_of[dir] ? html_find_tables(h, dir)
					       : -ENOMEM;
	}
	fputs("{", h->out);
	if (r == 0)
		r = write_counts(h);
	if (r == 0)
		r = write_units(h);
	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
		r = html_write_tables(h, dir);
	if (r == 0)
		r = write_columns(h);
	if (r == 0)
		r = write_cells(h);
	if (r == 0)
		r = html_write_rules(h);
	if (r == 0)
		r = html_write_policies(h);
	fputs("}\n", h->out);
	return r;
}

static void html_release(struct matrix_html *h)
{
	json_text_release(&h->text);
	arena_release(&h->arena);
	arena_release(&h->scratch);
	free(h->seen);
	list_pool_release(&h->cells);
	list_pool_release(&h->policies);
	list_pool_release(&h->rules);
	list_pool_release(&h->lists);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		list_pool_release(&h->tables[dir]);
}

int matrix_html_write(FILE *out, struct matrix *matrix, struct err *err)
{
	struct matrix_html html = {
		.out = out,
		.matrix = matrix,
		.units = matrix->index.units,
		.n_units = (uint32_t)matrix->index.n_units,
	};
	int r;

	if (html.n_units > MAX_UNITS)
		return err_set(err, -E2BIG,
			       "a page can show %d groups, and these are %u; "
			       "narrow it with --namespace, or use --by "
			       "namespace",
			       MAX_UNITS, html.n_units);
	page_begin(out);
	r = write_data(&html);
	page_end(out);
	html_release(&html);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}
