/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_WORDS_H
#define NETPOLD_DAEMON_COMMAND_DIFF_WORDS_H

#include "command/diff.h"
#include "memory_text.h"

/** One line of a diff in words. */
struct diff_words {
	struct memory_text from, to, ports;
};

/** Returns 0 or -ENOMEM; to be released in either case. */
int diff_words_make(struct diff *diff, const struct diff_line *line,
		    struct diff_words *out);
void diff_words_release(struct diff_words *words);

/** Write what has come out as a whole: a sentence without a full stop. */
void diff_words_write_summary(FILE *out, const struct diff *diff);

#endif
