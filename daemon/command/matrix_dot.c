/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matrix as a graph for Graphviz: a node for each unit, a box for each
 * namespace, and an edge for what policies allow.
 *
 * What no policy has said anything about is not drawn: edges from those whose
 * egress is free to those whose ingress is free, which are dashed instead. Else
 * a few unprotected namespaces would be all that anybody could see.
 */
#include <errno.h>
#include <stdbool.h>

#include "command/matrix.h"
#include "grid_text.h"
#include "memory_text.h"
#include "netpold/cleanup.h"
#include "progress.h"
#include "who_text.h"

struct graph {
	FILE *out;
	struct matrix *matrix;
	const struct grid_unit *units;
	size_t n_units;
	struct arena scratch; /* of one column */
	bool *has_star;	      /* of each namespace: a node that is all of it */
	struct who_namespace *namespaces;
	size_t n_namespaces;
};

static const char head[] =
	"digraph netpold {\n"
	"\tgraph [rankdir=LR, fontname=\"Helvetica\", labelloc=b, "
	"fontsize=10,\n"
	"\t\tlabel=\"dashed: no policy isolates them for ingress, or not all; "
	"edges from who is free to who is free are left out\"];\n"
	"\tnode [shape=box, style=rounded, fontname=\"Helvetica\", "
	"fontsize=11];\n"
	"\tedge [fontname=\"Helvetica\", fontsize=9, color=\"#4a6fa5\"];\n";

/* ---- words -------------------------------------------------------------- */

/* Inside of quotes. Other bytes than those of plain text do not come here. */
static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
	}
}

static int write_title(struct graph *g, uint32_t unit)
{
	static const struct who_text_options options = { .limit = 6 };
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	const char *text = NULL;

	if (!memory_text_open(&memory))
		return -ENOMEM;
	if (who_text_write(memory.out, &g->matrix->index, &unit, 1, &options,
			   NULL) == 0)
		text = memory_text_close(&memory);
	if (!text)
		return -ENOMEM;
	write_escaped(g->out, text);
	return 0;
}

/* ---- nodes -------------------------------------------------------------- */

static int write_node(struct graph *g, uint32_t unit)
{
	const struct grid_unit *u = &g->units[unit];
	uint32_t n_isolated = u->n_isolated[REACH_OLD][DIRECTION_INGRESS];
	bool is_part = n_isolated > 0 && n_isolated < u->n_pods;
	int r;

	fprintf(g->out, "\tu%u [label=\"", unit);
	r = write_title(g, unit);
	if (!u->is_outside)
		fprintf(g->out, "\\n%u %s", u->n_pods,
			u->n_pods == 1 ? "pod" : "pods");
	if (is_part)
		fprintf(g->out, ", %u isolated", n_isolated);
	fputs("\"", g->out);
	if (u->is_outside)
		fputs(", shape=ellipse, style=solid", g->out);
	else if (n_isolated < u->n_pods)
		fputs(", style=\"rounded,dashed\"", g->out);
	fputs("];\n", g->out);
	return r;
}

/* The namespace of all groups of a unit, or NULL. Members are in order. */
static const struct who_namespace *namespace_of(const struct graph *g,
						uint32_t unit)
{
	const struct grid_unit *u = &g->units[unit];
	const uint32_t *of = g->matrix->index.namespace_of;

	if (u->is_outside ||
	    of[u->members[0]] != of[u->members[u->n_members - 1]])
		return NULL;
	return &g->namespaces[of[u->members[0]]];
}

static int write_nodes(struct graph *g)
{
	int r = 0;

	for (size_t k = 0; k < g->n_namespaces && r == 0; k++) {
		fprintf(g->out, "\tsubgraph cluster_%zu {\n\tlabel=\"", k);
		write_escaped(g->out, g->namespaces[k].name);
		fputs("\"; color=\"#aaaaaa\";\n", g->out);
		for (uint32_t i = 0; i < g->n_units && r == 0; i++) {
			if (namespace_of(g, i) == &g->namespaces[k])
				r = write_node(g, i);
		}
		fputs("\t}\n", g->out);
	}
	for (uint32_t i = 0; i < g->n_units && r == 0; i++) {
		if (!namespace_of(g, i))
			r = write_node(g, i);
	}
	return r;
}

/* ---- edges -------------------------------------------------------------- */

static bool is_free(const struct graph *g, uint32_t unit, enum direction dir)
{
	return g->units[unit].is_outside ||
	       !g->units[unit].isolated[REACH_OLD][dir];
}

static int write_edge(struct graph *g, const char *kind, size_t from,
		      uint32_t to, const struct grid_line *line)
{
	int r;

	fprintf(g->out, "\t%s%zu -> u%u [label=\"", kind, from, to);
	r = grid_text_write_ports(g->out, g->matrix->grid, line->set);
	fprintf(g->out, "\"%s];\n", line->is_some ? ", style=dotted" : "");
	return r;
}

/* All of a namespace is one edge, from a node that stands for it. */
static int write_part(struct graph *g, const struct who_part *part, uint32_t to,
		      const struct grid_line *line, bool *is_drawn)
{
	size_t number = (size_t)(part->namespace - g->namespaces);
	int r = 0;

	if (part->is_all && part->n_groups > 1) {
		g->has_star[number] = true;
		return write_edge(g, "n", number, to, line);
	}
	for (uint32_t i = 0; i < part->n_groups && r == 0; i++) {
		uint32_t unit = g->matrix->index.groups[part->groups[i]].unit;

		if (!is_drawn[unit])
			r = write_edge(g, "u", unit, to, line);
		is_drawn[unit] = true;
	}
	return r;
}

static int write_line(struct graph *g, uint32_t to,
		      const struct grid_line *line)
{
	uint32_t *units =
		arena_array(&g->scratch, line->n_sources, sizeof(*units));
	bool *is_drawn =
		arena_array(&g->scratch, g->n_units, sizeof(*is_drawn));
	struct who who;
	size_t n = 0;
	int r;

	if (!units || !is_drawn)
		return -ENOMEM;
	for (size_t i = 0; i < line->n_sources; i++) {
		if (!is_free(g, to, DIRECTION_INGRESS) ||
		    !is_free(g, line->sources[i], DIRECTION_EGRESS))
			units[n++] = line->sources[i];
	}
	r = who_sort(&g->matrix->index, units, n, &who);
	for (size_t i = 0; r == 0 && i < who.n_parts; i++)
		r = write_part(g, &who.parts[i], to, line, is_drawn);
	for (size_t i = 0; r == 0 && i < who.n_outside; i++)
		r = write_edge(g, "u", who.outside[i], to, line);
	return r;
}

static int write_column(struct graph *g, uint32_t to)
{
	struct grid_column column;
	struct grid_lines lines;
	int r = grid_column(g->matrix->grid, to, &column);

	if (r == 0)
		r = grid_lines(g->matrix->grid, &column, &lines);
	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		arena_clear(&g->scratch);
		r = write_line(g, to, &lines.items[i]);
	}
	return r;
}

/* Nodes that edges have asked for. */
static void write_stars(struct graph *g)
{
	for (size_t i = 0; i < g->n_namespaces; i++) {
		if (!g->has_star[i])
			continue;
		fprintf(g->out, "\tn%zu [shape=folder, style=solid, label=\"",
			i);
		write_escaped(g->out, g->namespaces[i].name);
		fputs("/*\"];\n", g->out);
	}
}

static int write_graph(struct graph *g)
{
	struct arena arena = { 0 };
	int r;

	g->has_star = arena_array(&arena, g->n_namespaces, sizeof(bool));
	r = g->has_star ? 0 : -ENOMEM;
	fputs(head, g->out);
	if (r == 0)
		r = write_nodes(g);
	for (uint32_t i = 0; i < g->n_units && r == 0; i++) {
		progress_tell(g->matrix->progress, i, "destinations told");
		r = write_column(g, i);
	}
	if (r == 0)
		write_stars(g);
	fputs("}\n", g->out);
	arena_release(&arena);
	return r;
}

int matrix_dot_write(FILE *out, struct matrix *matrix, struct err *err)
{
	struct graph graph = {
		.out = out,
		.matrix = matrix,
		.units = matrix->index.units,
		.n_units = matrix->index.n_units,
		.namespaces = matrix->index.namespaces,
		.n_namespaces = matrix->index.n_namespaces,
	};
	int r = write_graph(&graph);

	arena_release(&graph.scratch);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}
