/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_GROUPING_H
#define NETPOLD_DAEMON_COMMAND_GROUPING_H

#include "netpold/grid.h"

/** How pods are grouped, as the option --by of matrix and diff has it. */

/** "pod", "workload", "namespace". */
const char *grouping_name(enum grid_by by);

/** Returns EXIT_OK, or EXIT_TROUBLE after telling why; @command, which one. */
int grouping_read(const char *command, const char *text, enum grid_by *out);

/** grid_options.tell; @ctx is a struct progress. */
void grouping_tell_asked(void *ctx, size_t n_asked);

#endif
