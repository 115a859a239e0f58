/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_RULE_COUNTER_H
#define NETPOLD_DAEMON_DATAPATH_RULE_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "datapath/iptables.h"

/**
 * What the rules of netpold have counted by themselves. Packets that pass by
 * --queue-bypass because nobody reads the queue, and those dropped because
 * their source sends too many, raise no other counter of the kernel.
 *
 * The counters start anew whenever the rules are put in place (rules.h).
 */
struct rule_counts {
	uint64_t queued;  /* packets sent towards a queue */
	uint64_t copied;  /* to a log group */
	bool audits;	  /* there are rules that copy */
	uint64_t limited; /* neither, since their source sends too many */
	/* by enum verdict: answered by the kernel, which had the answer */
	uint64_t recalled[2];
};

/**
 * Read the counts from a listing of the rules.
 *
 * @listing  as iptables_list_chain() gets it
 *
 * Returns  false where it holds no rule that leads to a queue or copies.
 */
bool rule_counter_parse(const char *listing, struct rule_counts *out);

/**
 * Ask iptables, both families. Takes some milliseconds, and longer while
 * another program holds the lock of iptables.
 *
 * Returns  0; -ENOENT where the rules do not stand; another negative errno.
 * Threads  any.
 */
int rule_counter_read(enum iptables_flavour flavour, struct rule_counts *out,
		      struct err *err);

#endif
