/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_REPORT_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"
#include "netpold/suggest.h"

#include "command/suggest_counts.h"

/**
 * Is what is staged (NP-8) safe to enforce? For each staged policy: which of
 * the flows that were seen it would deny, and of which workloads that it
 * selects nothing was seen at all. All that is staged is taken as enforced at
 * once; which of the others a policy cannot do without is told.
 */
struct suggest_report;

/**
 * @snapshot  of @cluster, every pod local; both outlive it
 *
 * Returns  0; -ENOMEM.
 */
int suggest_report_new(const struct cluster *cluster,
		       const struct snapshot *snapshot,
		       struct suggest_report **out);

/** NULL is fine. */
void suggest_report_free(struct suggest_report *report);
void suggest_report_freep(struct suggest_report **report);

/** A flow was seen. Returns 0; -ENOMEM. */
int suggest_report_add(struct suggest_report *report,
		       const struct suggest_flow *flow);

/**
 * Write it, as text or as an object of schema/suggest-report.schema.json.
 *
 * @is_safe  whether nothing would be denied, and everything was observed
 *
 * Returns  0; -ENOMEM with a message.
 */
int suggest_report_write(struct suggest_report *report,
			 const struct suggest_counts *counts, bool as_json,
			 FILE *out, bool *is_safe, struct err *err);

#endif
