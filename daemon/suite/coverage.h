/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_COVERAGE_H
#define NETPOLD_DAEMON_SUITE_COVERAGE_H

#include <stdio.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"
#include "netpold/snapshot.h"

#include "source/origins.h"

/**
 * Which policies, and which of their rules, the cases of some suites have
 * exercised.
 *
 * A rule is exercised by a flow that it allows, whether or not another rule
 * does so, too; a policy's isolation in a direction by a flow that it helps to
 * deny. A policy that several suites name is one, by the file and the line in
 * which it is written, whatever paths lead there.
 *
 * Zero is empty.
 */
struct coverage {
	struct arena arena;
	void *entries;		       /* tsearch(3) */
	const struct origins *origins; /* of the suite that runs */
};

/** A suite begins: its policies, and where they were written, until the next
 *  one. Returns 0 or -ENOMEM. */
int coverage_begin(struct coverage *coverage, const struct cluster *cluster,
		   const struct origins *origins);

/** A flow was asked, of which all rules are explained (snapshot_explain()). */
void coverage_take(struct coverage *coverage,
		   const struct explanation *explanation);

/** Write what no case has exercised, by file and line, and how much that is of
 *  all. */
void coverage_write(FILE *out, const struct coverage *coverage);

void coverage_release(struct coverage *coverage);

#endif
