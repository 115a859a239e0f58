/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PAGE_PAGE_H
#define NETPOLD_DAEMON_PAGE_PAGE_H

#include <stdio.h>

/**
 * HTML pages, each complete in itself: its style and its program are in it.
 * That of a matrix has its data in it, too, and asks nobody for anything.
 *
 * Data are JSON in a script element that is not run. Names in it may be
 * hostile: no byte of them can end the element, and the program shows them as
 * text, never as markup.
 */

/** A page without data, which asks who has served it for them again and again
 *  (observe/live_pages.h). */
void page_write_live(FILE *out);

/** What stands between its <style> and </style>, and its <script> and
 * </script>, byte for byte: for who tells a browser what to expect. */
const char *page_live_style(void);
const char *page_live_script(void);

/** Everything before the data. */
void page_begin(FILE *out);

/** A part of the data: JSON text. */
void page_write_data(FILE *out, const char *json, size_t len);

/** Everything behind it. */
void page_end(FILE *out);

#endif
