/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_AGREEMENT_H
#define NETPOLD_TESTS_BENCH_AGREEMENT_H

#include <stddef.h>

#include "netpold/cluster.h"
#include "netpold/snapshot.h"

#include "questions.h"

/**
 * Ask the naive oracle some of the questions, too.
 *
 * The oracle (tests/policy/twin/oracle.h) is slow, and may be told of some
 * namespaces only: it is asked about flows whose ends it has been told of. What
 * a flow may do depends on nothing else, since policies hold for pods of their
 * own namespace, and name others by labels.
 *
 * @node  whose pods are local in @snapshot, or NULL
 * @path  manifests, all of them equal to what @cluster holds
 * @most  questions to ask it; the first ones that it can answer
 *
 * Ends the program where a verdict or a reason differs, or where it could
 * answer none.
 *
 * Returns  how many it was asked.
 */
size_t agreement_check(const struct cluster *cluster,
		       const struct snapshot *snapshot, const char *node,
		       const struct questions *questions, const char *path,
		       size_t most);

#endif
