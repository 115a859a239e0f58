/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_LINES_H
#define NETPOLD_DAEMON_COMMAND_DIFF_LINES_H

#include "netpold/arena.h"
#include "netpold/grid.h"
#include "progress.h"

/**
 * What changes between two snapshots, in as few lines as there can be: from
 * some units, to some units, the same slots, in the same way.
 */
struct diff_line {
	enum reach_change change;
	uint32_t set;
	bool is_some; /* not all of them */
	const uint32_t *from;
	size_t n_from;
	uint32_t *to;
	size_t n_to;

	/* while they are gathered */
	struct diff_line *next;	    /* in its bucket */
	uint32_t first_to, last_to; /* a chain */
};

struct diff_lines {
	/* What opens first; then by who is reached. */
	struct diff_line **items;
	size_t n;
	size_t n_opens;
	struct arena arena;
};

/** Returns 0 or -ENOMEM; to be released in either case. */
int diff_lines_gather(struct grid *grid, struct progress *progress,
		      struct diff_lines *out);
void diff_lines_release(struct diff_lines *lines);

#endif
