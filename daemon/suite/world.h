/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_WORLD_H
#define NETPOLD_DAEMON_SUITE_WORLD_H

#include "netpold/err.h"

#include "question.h"
#include "source/origins.h"
#include "suite/suite.h"

/**
 * What a suite is about, read and compiled: the objects of its manifests, and
 * the pods and namespaces of its lines.
 *
 * A pod of a line without an address gets one of 10.244.0.0/16 that nobody has.
 * A namespace that only a pod of a line names has no labels but its name.
 */
struct world {
	struct cluster *cluster;
	struct snapshot *snapshot;
	struct origins origins; /* where the policies are written */
	struct asker asker;
};

/**
 * @base  objects that stand behind those of the suite: what it does not say,
 * they do; NULL: there are none
 *
 * Returns 0; -EINVAL where something of it is wrong; another negative errno
 *  where it cannot be read. @out is to be released in either case. */
int world_open(const struct suite *suite, const struct cluster *base,
	       struct world *out, struct err *err);

void world_release(struct world *world);

#endif
