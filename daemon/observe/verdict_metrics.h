/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_VERDICT_METRICS_H
#define NETPOLD_DAEMON_OBSERVE_VERDICT_METRICS_H

#include <stdbool.h>

#include "observe/metrics.h"

struct verdict_sums;

/**
 * The metric of verdicts: netpold_verdicts_total, by mode, direction, protocol,
 * verdict and reason. Each end of a flow that is for this node to judge is one;
 * what policies are not asked about has the direction "none". What the kernel
 * answers from memory is not here, but in netpold_kernel_cache_hits_total.
 *
 * Reasons "rule" and "no-rule-matches" are told from the start on, so that a
 * rate sees their first; others as soon as there is one. So it is in both
 * modes, since a policy may be staged at any time; but nothing is enforced in
 * an audit.
 *
 * @audits  nothing is (--mode=audit)
 * @sums  outlives the last reading; collected by somebody else
 *
 * Returns  0; -ENOMEM.
 */
int verdict_metrics_register(const struct verdict_sums *sums, bool audits,
			     struct metrics *metrics);

#endif
