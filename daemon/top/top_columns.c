/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The columns but for names and reasons are as wide as what they hold. They are
 * shown where the names have enough room beside them, in the order of `worth`;
 * of what is left, long names leave two fifths to the reason, and short ones
 * the rest.
 */
#include "top/top_columns.h"

#include <stdbool.h>
#include <string.h>

#define GAP 2

/* As long as a name is to be, before there are more columns; and both. */
#define NAME_MIN 12
#define NAMES_MIN (2 * NAME_MIN)

/* A reason that is shorter says nothing; of a long one the beginning does. */
#define WHY_MIN 20
#define WHY_SHARE(room) ((room)*2 / 5)

/* Longest text of a number or a port, with its end. */
#define CELL 64

static const struct {
	const char *heading;
	bool is_right; /* aligned */
} looks[N_TOP_COLUMNS] = {
	[TOP_FROM] = { "FROM", false },	 [TOP_TO] = { "TO", false },
	[TOP_PORT] = { "PORT", false },	 [TOP_FATE] = { "VERDICT", false },
	[TOP_RATE] = { "RATE/s", true }, [TOP_COUNT] = { "COUNT", true },
	[TOP_WHY] = { "WHY", false },
};

/* What to leave out last. */
static const enum top_column worth[] = { TOP_PORT, TOP_RATE, TOP_FATE,
					 TOP_COUNT };

/* ---- cells --------------------------------------------------------------- */

/* Rates are of packets: three digits say enough. */
static const char *write_rate(char cell[CELL], double rate)
{
	snprintf(cell, CELL, rate < 99.95 ? "%.1f" : "%.0f", rate);
	return cell;
}

static const char *cell_of(const struct top_row *row, enum top_column column,
			   char cell[CELL])
{
	switch (column) {
	case TOP_FROM:
		return row->from;
	case TOP_TO:
		return row->to;
	case TOP_PORT:
		return row->port;
	case TOP_FATE:
		return row->fate;
	case TOP_RATE:
		return write_rate(cell, row->rate);
	case TOP_COUNT:
		snprintf(cell, CELL, "%.0f", row->count);
		return cell;
	case TOP_WHY:
		return row->why;
	}
	return "";
}

/* ---- how wide ------------------------------------------------------------ */

static size_t longest(const struct top_rows *rows, enum top_column column)
{
	size_t len = strlen(looks[column].heading);
	char cell[CELL];

	for (size_t i = 0; i < rows->n; i++) {
		size_t own = strlen(cell_of(&rows->items[i], column, cell));

		if (own > len)
			len = own;
	}
	return len;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What long names leave to a reason. */
static size_t room_for_why(size_t wanted, size_t left)
{
	size_t room = smaller(wanted, WHY_SHARE(left));

	return room > WHY_MIN ? room : WHY_MIN;
}

/* Two names share @room; what one does not need is the other's. */
static void share(size_t widths[N_TOP_COLUMNS], size_t room)
{
	size_t half = room / 2;
	size_t from = widths[TOP_FROM], to = widths[TOP_TO];

	if (from + to <= room)
		return;
	if (from > half)
		from = to < room - half ? room - to : half;
	widths[TOP_FROM] = from;
	widths[TOP_TO] = room - from;
}

/* What is left of a line beside the columns but for names and the reason. */
static size_t choose(size_t widths[N_TOP_COLUMNS],
		     const size_t wanted[N_TOP_COLUMNS], size_t width)
{
	size_t left = width > GAP ? width - GAP : 0; /* between the names */

	for (size_t i = 0; i < sizeof(worth) / sizeof(worth[0]); i++) {
		size_t own = wanted[worth[i]] + GAP;

		if (left < own + NAMES_MIN)
			break;
		widths[worth[i]] = wanted[worth[i]];
		left -= own;
	}
	return left;
}

/* The names and the reason, in what is left. */
static void lay_out_rest(size_t widths[N_TOP_COLUMNS],
			 const size_t wanted[N_TOP_COLUMNS], size_t left)
{
	bool has_room = widths[TOP_COUNT] && left >= NAMES_MIN + GAP + WHY_MIN;
	size_t for_why = GAP + room_for_why(wanted[TOP_WHY], left);
	size_t names = smaller(wanted[TOP_FROM] + wanted[TOP_TO],
			       has_room ? left - for_why : left);

	widths[TOP_FROM] = wanted[TOP_FROM];
	widths[TOP_TO] = wanted[TOP_TO];
	share(widths, names);
	if (widths[TOP_COUNT] && left >= names + GAP + WHY_MIN)
		widths[TOP_WHY] = left - names - GAP;
}

void top_columns_lay_out(struct top_columns *columns,
			 const struct top_rows *rows, size_t width)
{
	size_t wanted[N_TOP_COLUMNS];

	*columns = (struct top_columns){ .widths = { 0 } };
	for (int i = 0; i < N_TOP_COLUMNS; i++)
		wanted[i] = longest(rows, (enum top_column)i);
	if (width > 0)
		lay_out_rest(columns->widths, wanted,
			     choose(columns->widths, wanted, width));
	else
		memcpy(columns->widths, wanted, sizeof(wanted));
}

/* ---- lines --------------------------------------------------------------- */

static void write_cell(FILE *out, const char *text, size_t width, bool is_right,
		       bool is_last)
{
	int columns = (int)width;

	if (strlen(text) > width)
		fprintf(out, "%.*s~", columns - 1, text);
	else if (is_right)
		fprintf(out, "%*s", columns, text);
	else if (is_last)
		fputs(text, out);
	else
		fprintf(out, "%-*s", columns, text);
}

static enum top_column last_of(const struct top_columns *columns)
{
	int last = N_TOP_COLUMNS - 1;

	while (last > 0 && columns->widths[last] == 0)
		last--;
	return (enum top_column)last;
}

/* @row  NULL: headings */
static void write_line(FILE *out, const struct top_columns *columns,
		       const struct top_row *row)
{
	enum top_column last = last_of(columns);
	char cell[CELL];

	for (int i = 0; i < N_TOP_COLUMNS; i++) {
		enum top_column column = (enum top_column)i;
		const char *text =
			row ? cell_of(row, column, cell) : looks[i].heading;

		if (columns->widths[i] == 0)
			continue;
		if (i > 0)
			fprintf(out, "%*s", GAP, "");
		write_cell(out, text, columns->widths[i], looks[i].is_right,
			   column == last);
	}
}

void top_columns_write_headings(FILE *out, const struct top_columns *columns)
{
	write_line(out, columns, NULL);
}

void top_columns_write_row(FILE *out, const struct top_columns *columns,
			   const struct top_row *row)
{
	write_line(out, columns, row);
}
