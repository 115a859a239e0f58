/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_H
#define NETPOLD_DAEMON_COMMAND_DIFF_H

#include <stdio.h>

#include "command/diff_lines.h"
#include "command/diff_sides.h"
#include "decision_record.h"
#include "who.h"

/**
 * What `netpold diff` has found, and how it prints it.
 */
struct diff {
	const struct offline *worlds; /* by enum reach_view */
	struct grid *grid;
	struct who_index index;
	struct diff_sides sides;
	struct diff_lines lines;
	struct progress *progress;
};

/** "opens" or "closes". */
const char *diff_change_word(enum reach_change change);

/** Whose policies deny what opens before, and what closes afterwards. */
enum direction diff_change_side(enum reach_change change);

/** One flow of a line, in both worlds. */
struct diff_example {
	struct decision_record records[REACH_MAX_VIEWS];
	struct explanation explanations[REACH_MAX_VIEWS];
};

/** The lists of the explanations go to @arena. 0 or -ENOMEM. */
int diff_example_make(struct diff *diff, const struct diff_line *line,
		      struct arena *arena, struct diff_example *out);

/** Each returns 0 or -ENOMEM. Whether the stream took it is for ferror(3) to
 *  say. */
int diff_text_write(FILE *out, struct diff *diff);
int diff_json_write(FILE *out, struct diff *diff);
int diff_markdown_write(FILE *out, struct diff *diff);

#endif
