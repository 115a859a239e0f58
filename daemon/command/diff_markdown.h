/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_MARKDOWN_H
#define NETPOLD_DAEMON_COMMAND_DIFF_MARKDOWN_H

#include <stdio.h>

#include "command/diff.h"

/** What is the same in all comments of `netpold diff`. */

/** More are counted: a comment has a bound, too. */
#define DIFF_MARKDOWN_MAX_ROWS 50

/** Write text so that nothing in it means anything to Markdown or HTML. */
void diff_markdown_write_plain(FILE *out, const char *text);

/** The same of lines, with a paragraph for each. */
void diff_markdown_write_lines(FILE *out, const char *lines);

/** Write which policies decide about an example.
 *
 * @dir  whose: of the side that denies it, before or now */
void diff_markdown_write_policies(FILE *out, enum direction dir,
				  const struct diff_example *example);

/** Write an item of the list of examples. 0 or -ENOMEM. */
int diff_markdown_write_example(FILE *out, const char *change,
				const struct diff_example *example);

#endif
