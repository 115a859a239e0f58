/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_MATRIX_H
#define NETPOLD_DAEMON_COMMAND_MATRIX_H

#include <stdio.h>

#include "netpold/grid.h"
#include "who.h"

/**
 * What `netpold matrix` prints, in each of its forms.
 */
struct matrix {
	const struct offline *offline;
	struct grid *grid;
	enum grid_by by;
	const struct path_list *namespaces; /* that were named */
	struct who_index index;
	struct progress *progress;
};

/** Each returns 0; a negative errno with a message. Whether the stream took it
 *  is for ferror(3) to say. */
int matrix_text_write(FILE *out, struct matrix *matrix, struct err *err);
int matrix_json_write(FILE *out, struct matrix *matrix, struct err *err);
int matrix_dot_write(FILE *out, struct matrix *matrix, struct err *err);
int matrix_html_write(FILE *out, struct matrix *matrix, struct err *err);

#endif
