/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_EXPLAIN_FLOWS_H
#define NETPOLD_DAEMON_COMMAND_EXPLAIN_FLOWS_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

struct asker;
struct progress;

/**
 * Many flows, one on each line, and an answer to each, in their order.
 *
 * In the place of what cannot be answered stands an error, and a message on
 * standard error names its line. Blank lines are passed over.
 */
struct explain_flows {
	const struct asker *asker;
	const char *path; /* "-" is standard input */
	bool as_text;	  /* lines for people; else JSON */
	bool has_expected;
	enum verdict expected;
	struct progress *progress;
};

struct explain_flows_counts {
	size_t answered;
	size_t failed;	  /* lines without an answer */
	size_t otherwise; /* answers that are not the expected one */
};

/**
 * Answer on standard output.
 *
 * Returns  0 when the last line was read; a negative errno on trouble. @counts
 *          are set in any case.
 */
int explain_flows_run(const struct explain_flows *flows,
		      struct explain_flows_counts *counts, struct err *err);

#endif
