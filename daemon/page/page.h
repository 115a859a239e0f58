/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PAGE_PAGE_H
#define NETPOLD_DAEMON_PAGE_PAGE_H

#include <stdio.h>

/**
 * One HTML page, complete in itself: its data, its style and its program are in
 * it, and it asks nobody for anything.
 *
 * Data are JSON in a script element that is not run. Names in it may be
 * hostile: no byte of them can end the element, and the program shows them as
 * text, never as markup.
 */

/** Everything before the data. */
void page_begin(FILE *out);

/** A part of the data: JSON text. */
void page_write_data(FILE *out, const char *json, size_t len);

/** Everything behind it. */
void page_end(FILE *out);

#endif
