/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/matrix_body.h"

#include <errno.h>
#include <string.h>

#include "grid_text.h"
#include "memory_text.h"
#include "netpold/cleanup.h"
#include "slot_text.h"
#include "who_text.h"
#include "wrap_text.h"

enum {
	INDENT = 4,
	PORT_COLUMN = 26, /* of ports, before who may */
	MAX_ITEMS = 24,	  /* of who may; more are counted */
};

/* ---- lines -------------------------------------------------------------- */

static int write_ports(FILE *out, const struct matrix *matrix, uint32_t set)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	const char *text = NULL;

	if (memory_text_open(&memory) &&
	    grid_text_write_ports(memory.out, matrix->grid, set) == 0)
		text = memory_text_close(&memory);
	if (!text)
		return -ENOMEM;
	fprintf(out, "%*s", INDENT, "");
	if (strlen(text) < PORT_COLUMN) {
		fprintf(out, "%-*s", PORT_COLUMN, text);
		return 0;
	}
	wrap_text_write(out, text, INDENT);
	fprintf(out, "%*s", INDENT + PORT_COLUMN, "");
	return 0;
}

/* A pod that is alone here always reaches itself (NP-50): where everybody may
   everything it may as well be told with the others. */
static int add_itself(struct matrix *matrix, uint32_t to, struct arena *arena,
		      struct grid_line *line)
{
	struct slot_range all;
	uint32_t *sources;
	size_t n = 0, i = 0;

	if (line->is_some ||
	    matrix->index.units[to].isolated[REACH_OLD][DIRECTION_INGRESS] ||
	    grid_has_flow(matrix->grid, to, to) ||
	    matrix->index.units[to].is_outside ||
	    !matrix->index.units[to].is_inside ||
	    grid_n_ranges(matrix->grid, line->set) != 1)
		return 0;
	grid_ranges(matrix->grid, line->set, &all);
	if (!slot_text_is_everything(&all, 1))
		return 0;
	sources = arena_array(arena, line->n_sources + 1, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	while (i < line->n_sources && line->sources[i] < to)
		sources[n++] = line->sources[i++];
	sources[n++] = to;
	while (i < line->n_sources)
		sources[n++] = line->sources[i++];
	line->sources = sources;
	line->n_sources = n;
	return 0;
}

static int write_line(FILE *out, struct matrix *matrix,
		      const struct grid_line *line,
		      const struct who_namespace *own, bool *told_own)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	const struct who_text_options options = { MAX_ITEMS, own };
	const char *text = NULL;

	if (!memory_text_open(&memory))
		return -ENOMEM;
	if (line->is_some)
		fputs("between some of them: ", memory.out);
	if (who_text_write(memory.out, &matrix->index, line->sources,
			   line->n_sources, &options, told_own) == 0)
		text = memory_text_close(&memory);
	if (!text || write_ports(out, matrix, line->set) < 0)
		return -ENOMEM;
	wrap_text_write(out, text, INDENT + PORT_COLUMN);
	return 0;
}

int matrix_body_make(struct matrix *matrix, uint32_t to,
		     const struct who_namespace *own, struct arena *arena,
		     struct matrix_body *out)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	struct grid_column column;
	struct grid_lines lines;
	const char *text;
	int r = grid_column(matrix->grid, to, &column);

	if (r == 0)
		r = grid_lines(matrix->grid, &column, &lines);
	if (r < 0 || !memory_text_open(&memory))
		return -ENOMEM;
	*out = (struct matrix_body){ 0 };
	for (size_t i = 0; i < lines.n && r == 0; i++) {
		struct grid_line line = lines.items[i];

		r = add_itself(matrix, to, arena, &line);
		if (r == 0)
			r = write_line(memory.out, matrix, &line, own,
				       &out->told_own);
	}
	text = memory_text_close(&memory);
	out->text = text ? arena_strndup(arena, text, memory.len) : NULL;
	return r == 0 && out->text ? 0 : -ENOMEM;
}
