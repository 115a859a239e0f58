/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TOP_TOP_COLUMNS_H
#define NETPOLD_DAEMON_TOP_TOP_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

#include "top/top_rows.h"

/**
 * Which columns of a table of flows there is room for, and how wide they are.
 */
enum top_column {
	TOP_FROM,
	TOP_TO,
	TOP_PORT,
	TOP_FATE,
	TOP_RATE,
	TOP_COUNT,
	TOP_WHY,
};
#define N_TOP_COLUMNS 7

struct top_columns {
	size_t widths[N_TOP_COLUMNS]; /* 0: it is not shown */
};

/** Lay them out for these rows. @width: of a line; 0: as wide as it takes. */
void top_columns_lay_out(struct top_columns *columns,
			 const struct top_rows *rows, size_t width);

/** Write their headings, and what a row has in them; without the end of the
 *  line. */
void top_columns_write_headings(FILE *out, const struct top_columns *columns);
void top_columns_write_row(FILE *out, const struct top_columns *columns,
			   const struct top_row *row);

#endif
