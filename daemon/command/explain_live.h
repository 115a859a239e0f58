/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_EXPLAIN_LIVE_H
#define NETPOLD_DAEMON_COMMAND_EXPLAIN_LIVE_H

#include <stdbool.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

/**
 * A question about a flow, for the netpold that runs on this node: it answers
 * with what is in force there, in the words of explain_text.h, or as its
 * record. What is printed besides is which generations of the policies these
 * are, since when, and what is not as it should be.
 */
struct explain_live {
	const char *socket; /* --status-socket */
	const char *from, *to, *port;
	int family; /* 4 or 6; 0: any */
	bool all;
	bool staged; /* as if what is staged were enforced */
	bool json;
	bool has_expected;
	enum verdict expected;
};

/** Ask, and print the answer. Returns its verdict, or a negative errno with a
 *  message. */
int explain_live_run(const struct explain_live *live, struct err *err);

#endif
