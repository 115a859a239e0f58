/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matrix as JSON, written as it is worked out: a line for each unit, and
 * one for each column.
 */
#include <errno.h>

#include "command/grouping.h"
#include "command/matrix.h"
#include "command/usage.h"
#include "grid_json.h"
#include "progress.h"
#include "source/offline.h"

struct document {
	FILE *out;
	struct matrix *matrix;
	struct json_text text;
	struct arena scratch; /* of one unit */
	bool has_item;	      /* in the array that is open */
};

/* ---- lines -------------------------------------------------------------- */

/* What was written is an item of the array that is open. */
static int end_item(struct document *d)
{
	fputs(d->has_item ? "," : "", d->out);
	d->has_item = true;
	return json_text_write_line(&d->text, d->out);
}

static void begin_items(struct document *d, const char *key)
{
	fprintf(d->out, ",\"%s\": [\n", key);
	d->has_item = false;
}

static void end_items(struct document *d)
{
	fputs("]\n", d->out);
}

/* ---- the head ----------------------------------------------------------- */

static void write_number(struct document *d, const char *key, size_t value)
{
	json_text_key(&d->text, key);
	json_text_number(&d->text, value);
}

static int write_head(struct document *d)
{
	const struct matrix *m = d->matrix;

	fputs("{\"counts\": ", d->out);
	json_text_begin_object(&d->text);
	write_number(d, "pods", m->offline->n_pods);
	write_number(d, "namespaces", m->index.n_namespaces);
	write_number(d, "groups", m->index.n_groups);
	write_number(d, "policies", m->offline->n_policies);
	write_number(d, "staged_policies", m->offline->n_staged);
	write_number(d, "without_address", m->offline->n_without_address);
	write_number(d, "displaced", m->offline->n_displaced);
	write_number(d, "on_host_network", m->offline->n_on_host);
	json_text_end_object(&d->text);
	if (json_text_write_line(&d->text, d->out) < 0)
		return -ENOMEM;
	fprintf(d->out, ",\"by\": \"%s\"\n,\"only\": ", grouping_name(m->by));
	json_text_begin_array(&d->text);
	for (size_t i = 0; i < m->namespaces->n; i++)
		json_text_string(&d->text, m->namespaces->items[i]);
	json_text_end_array(&d->text);
	return json_text_write_line(&d->text, d->out);
}

/* ---- units -------------------------------------------------------------- */

static int write_policies(struct document *d, uint32_t unit, enum direction dir)
{
	size_t n;
	const struct network_policy *const *policies = grid_policies(
		d->matrix->grid, REACH_OLD, &unit, 1, dir, &d->scratch, &n);

	if (!policies)
		return -ENOMEM;
	json_text_key(&d->text, direction_name(dir));
	json_text_begin_array(&d->text);
	for (size_t i = 0; i < n; i++) {
		FILE *words = json_text_begin_words(&d->text);

		if (!words)
			return -ENOMEM;
		fprintf(words, "%s/%s", policies[i]->namespace,
			policies[i]->name);
		json_text_end_words(&d->text);
	}
	json_text_end_array(&d->text);
	return 0;
}

static int write_unit(struct document *d, uint32_t unit)
{
	struct matrix *m = d->matrix;
	const struct grid_unit *u = &m->index.units[unit];
	int r;

	arena_clear(&d->scratch);
	json_text_begin_object(&d->text);
	write_number(d, "id", unit);
	json_text_key(&d->text, "title");
	r = grid_json_write_who(&d->text, &m->index, &unit, 1);
	json_text_key(&d->text, "outside");
	json_text_bool(&d->text, u->is_outside);
	json_text_key(&d->text, "inside");
	json_text_bool(&d->text, u->is_inside);
	if (u->is_outside) {
		json_text_key(&d->text, "ranges");
		grid_json_write_ranges(&d->text, &m->index, &unit, 1);
	} else {
		json_text_key(&d->text, "groups");
		grid_json_write_groups(&d->text, &m->index, &unit, 1);
		write_number(d, "pods", u->n_pods);
		json_text_key(&d->text, "isolated_pods");
		json_text_begin_object(&d->text);
		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			write_number(d, direction_name(dir),
				     u->n_isolated[REACH_OLD][dir]);
		json_text_end_object(&d->text);
		json_text_key(&d->text, "isolated_by");
		json_text_begin_object(&d->text);
		for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
			r = write_policies(d, unit, dir);
		json_text_end_object(&d->text);
	}
	json_text_end_object(&d->text);
	return r < 0 ? r : end_item(d);
}

/* ---- columns ------------------------------------------------------------ */

/* Numbers in a row are a pair, the first and the last. */
static void write_sources(struct document *d, const struct grid_line *line)
{
	json_text_key(&d->text, "from");
	json_text_begin_array(&d->text);
	for (size_t i = 0, next; i < line->n_sources; i = next) {
		for (next = i + 1;
		     next < line->n_sources &&
		     line->sources[next] == line->sources[next - 1] + 1;)
			next++;
		json_text_begin_array(&d->text);
		json_text_number(&d->text, line->sources[i]);
		json_text_number(&d->text, line->sources[next - 1]);
		json_text_end_array(&d->text);
	}
	json_text_end_array(&d->text);
}

static int write_line(struct document *d, const struct grid_line *line)
{
	const struct grid *grid = d->matrix->grid;
	int r;

	json_text_begin_object(&d->text);
	json_text_key(&d->text, "text");
	r = grid_json_write_ports_text(&d->text, grid, line->set);
	json_text_key(&d->text, "ports");
	if (r == 0)
		r = grid_json_write_ports(&d->text, grid, line->set);
	json_text_key(&d->text, "some");
	json_text_bool(&d->text, line->is_some);
	write_sources(d, line);
	json_text_end_object(&d->text);
	return r;
}

static int write_column(struct document *d, uint32_t to)
{
	struct grid *grid = d->matrix->grid;
	struct grid_column column;
	struct grid_lines lines;
	int r = grid_column(grid, to, &column);

	if (r == 0)
		r = grid_lines(grid, &column, &lines);
	if (r < 0)
		return r;
	json_text_begin_object(&d->text);
	write_number(d, "to", to);
	json_text_key(&d->text, "allowed");
	json_text_begin_array(&d->text);
	for (size_t i = 0; i < lines.n && r == 0; i++)
		r = write_line(d, &lines.items[i]);
	json_text_end_array(&d->text);
	json_text_end_object(&d->text);
	return r < 0 ? r : end_item(d);
}

/* ---- all of it ---------------------------------------------------------- */

static int write_document(struct document *d)
{
	uint32_t n = (uint32_t)d->matrix->index.n_units;
	int r = write_head(d);

	begin_items(d, "units");
	for (uint32_t i = 0; i < n && r == 0; i++)
		r = write_unit(d, i);
	end_items(d);
	begin_items(d, "columns");
	for (uint32_t i = 0; i < n && r == 0; i++) {
		progress_tell(d->matrix->progress, i, "destinations told");
		r = write_column(d, i);
	}
	end_items(d);
	fputs("}\n", d->out);
	return r;
}

int matrix_json_write(FILE *out, struct matrix *matrix, struct err *err)
{
	struct document document = { .out = out, .matrix = matrix };
	int r = write_document(&document);

	json_text_release(&document.text);
	arena_release(&document.scratch);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}
