/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_FLOWS_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_FLOWS_H

#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"
#include "netpold/suggest.h"

struct suggest_counts;

/**
 * Flows that were seen, out of decision records and captures, with the pods
 * that there are now as their ends.
 *
 * Whom a record means, record_world.h says; a flow of somebody who is gone is
 * left out, and so is one that was denied and dropped, and one from a pod's own
 * node, which needs no rule (NP-54). In captures an address is who has it now.
 *
 * Of a connection that was met in its middle nobody knows who opened it; who
 * has the smaller port, most likely not.
 */
struct suggest_flows;

/** Returns 0; a negative errno ends the reading, and is its result. */
typedef int (*suggest_flow_fn)(void *ctx, const struct suggest_flow *flow);

/**
 * @snapshot  of @cluster, every pod local; both outlive it
 *
 * Returns  0; -ENOMEM.
 */
int suggest_flows_new(const struct cluster *cluster,
		      const struct snapshot *snapshot, suggest_flow_fn each,
		      void *ctx, struct suggest_flows **out);

/** NULL is fine. */
void suggest_flows_free(struct suggest_flows *flows);
void suggest_flows_freep(struct suggest_flows **flows);

/**
 * Read a file, or standard input for "-": a capture, or a record on each line.
 * A line that is none is told of on standard error, up to a bound, and passed
 * over.
 *
 * Returns  0; a negative errno with a message.
 */
int suggest_flows_read(struct suggest_flows *flows, const char *path,
		       struct err *err);

const struct suggest_counts *
suggest_flows_counts(const struct suggest_flows *flows);

#endif
