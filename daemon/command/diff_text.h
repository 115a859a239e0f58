/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_TEXT_H
#define NETPOLD_DAEMON_COMMAND_DIFF_TEXT_H

#include <stdio.h>

#include "command/diff.h"

/** What is the same in all texts of `netpold diff`: the lines of a change. */

/** Write a list, behind what it is: "from", "ports". */
void diff_text_write_field(FILE *out, const char *name, const char *words);

/** Write a flow, and what is said of it before and now. 0 or -ENOMEM. */
int diff_text_write_example(FILE *out, const struct diff_example *example);

#endif
