/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_OUTPUT_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_OUTPUT_H

#include <stdbool.h>

#include "netpold/err.h"
#include "netpold/suggest.h"

#include "command/suggest_counts.h"

/** Where a suggestion goes, and how. */
struct suggest_output {
	bool json;	       /* a policy on each line, without comments */
	const char *to_decide; /* a file for what is set apart; NULL: it comes
				  last, commented out (with json, nowhere) */
};

/**
 * Write it to standard output, and what was counted to standard error.
 *
 * @counts  what it rests on: as text it says that first
 *
 * Returns  0; a negative errno with a message.
 */
int suggest_output_write(const struct suggest_output *to,
			 const struct suggest_counts *counts,
			 const struct suggestion *suggestion, struct err *err);

#endif
