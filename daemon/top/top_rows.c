/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top/top_rows.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/told.h"
#include "plain_text.h"

/* ---- one row ------------------------------------------------------------- */

static bool is_word(const json_t *row, const char *key, const char *word)
{
	return strcmp(told_text(row, key), word) == 0;
}

static const char *take_text(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	if (copy)
		plain_text_clean(copy);
	return copy;
}

static const char *take_port(struct arena *arena, const json_t *row)
{
	const char *protocol = told_text(row, "protocol");
	double port = told_number(row, "port");
	char text[64];

	if (isnan(port))
		return take_text(arena, protocol);
	snprintf(text, sizeof(text), "%.0f/%.16s", port, protocol);
	return take_text(arena, text);
}

/* What becomes of it, and if that were otherwise. */
static const char *fate_of(const struct top_row *row, const json_t *told)
{
	if (row->would_be_denied)
		return "would deny";
	if (row->is_denied)
		return "deny";
	return is_word(told, "verdict", "allow") ? "allow" : "?";
}

static const char *take_why(struct arena *arena, const struct top_row *row,
			    const json_t *told)
{
	bool is_staged =
		row->would_be_denied && json_object_get(told, "would_because");

	return take_text(arena,
			 told_text(told, is_staged ? "would_because" : "why"));
}

static double zero_if_unknown(double number)
{
	return isnan(number) ? 0 : number;
}

/* False without memory. */
static bool read_row(struct arena *arena, const json_t *told,
		     struct top_row *row)
{
	bool is_audit = is_word(told, "mode", "audit");
	bool is_deny = is_word(told, "verdict", "deny");

	*row = (struct top_row){
		.is_denied = is_deny && !is_audit,
		.would_be_denied =
			is_deny ? is_audit : is_word(told, "would", "deny"),
	};
	row->from = take_text(arena,
			      told_text(json_object_get(told, "from"), "name"));
	row->to = take_text(arena,
			    told_text(json_object_get(told, "to"), "name"));
	row->port = take_port(arena, told);
	row->fate = fate_of(row, told);
	row->why = take_why(arena, row, told);
	row->last = take_text(arena, told_text(told, "last"));
	row->rate = zero_if_unknown(told_number(told, "per_second"));
	row->count = zero_if_unknown(told_number(told, "count"));
	return row->from && row->to && row->port && row->why && row->last;
}

/* ---- which of them, and in which order ----------------------------------- */

static bool is_in_view(const struct top_row *row, enum top_view view)
{
	switch (view) {
	case TOP_FLOWS:
		return true;
	case TOP_DENIALS:
		return row->is_denied;
	case TOP_WOULD_DENIALS:
		return row->would_be_denied;
	}
	return false;
}

static bool is_found(const struct top_row *row, const char *filter)
{
	return strcasestr(row->from, filter) || strcasestr(row->to, filter) ||
	       strcasestr(row->port, filter) || strcasestr(row->fate, filter) ||
	       strcasestr(row->why, filter);
}

static int compare_numbers(double a, double b)
{
	return (a < b) - (a > b);
}

static int compare_names(const struct top_row *a, const struct top_row *b)
{
	int order = strcmp(a->from, b->from);

	if (order == 0)
		order = strcmp(a->to, b->to);
	if (order == 0)
		order = strcmp(a->port, b->port);
	if (order == 0)
		order = strcmp(a->fate, b->fate);
	return order ? order : strcmp(a->why, b->why);
}

static int compare_rows(const void *a_, const void *b_, void *ctx)
{
	const struct top_row *a = a_, *b = b_;
	const enum top_sort *sort = ctx;
	int order = 0;

	if (*sort == TOP_BY_RATE)
		order = compare_numbers(a->rate, b->rate);
	if (*sort == TOP_BY_TIME)
		order = strcmp(b->last, a->last);
	if (order == 0)
		order = compare_numbers(a->count, b->count);
	return order ? order : compare_names(a, b);
}

/* ---- all of them --------------------------------------------------------- */

static int read_all(struct top_rows *rows, const json_t *told,
		    const struct top_choice *choice)
{
	const json_t *row;
	size_t i;

	json_array_foreach(told, i, row)
	{
		struct top_row *next = &rows->items[rows->n];

		if (!read_row(&rows->arena, row, next))
			return -ENOMEM;
		if (is_in_view(next, choice->view) &&
		    is_found(next, choice->filter))
			rows->n++;
	}
	return 0;
}

int top_rows_read(struct top_rows *rows, const json_t *flows,
		  const struct top_choice *choice)
{
	const json_t *told = json_object_get(flows, "rows");
	enum top_sort sort = choice->sort;
	int r;

	arena_clear(&rows->arena);
	rows->n = 0;
	rows->n_all = json_array_size(told);
	rows->items =
		arena_array(&rows->arena, rows->n_all, sizeof(*rows->items));
	if (!rows->items) {
		rows->n_all = 0;
		return -ENOMEM;
	}
	r = read_all(rows, told, choice);
	qsort_r(rows->items, rows->n, sizeof(*rows->items), compare_rows,
		&sort);
	return r;
}

void top_rows_release(struct top_rows *rows)
{
	arena_release(&rows->arena);
	*rows = (struct top_rows){ .n = 0 };
}
