/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_TOP_H
#define NETPOLD_DAEMON_COMMAND_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "top/top_choice.h"
#include "top/top_sample.h"

/**
 * What `netpold top` is to do, for the files that do it: top.c reads the
 * command line and shows once, top_live.c goes on.
 */
struct top_options {
	const char *path; /* of the status socket */
	struct top_choice choice;
	bool once; /* look for @for_s, then print */
	bool json; /* likewise, all that was told */
	int64_t for_s;
	int64_t interval_s; /* else, how often to ask */
};

/** Ask a daemon. 0; a negative errno with a message, and an empty sample. */
int top_ask(const char *path, struct top_sample *out, struct err *err);

/** Show until it is to end. Returns an exit status. */
int top_live(const struct top_options *options);

#endif
