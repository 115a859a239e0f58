/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_RECALL_METRICS_H
#define NETPOLD_DAEMON_OBSERVE_RECALL_METRICS_H

#include "datapath/recall.h"
#include "observe/metrics.h"

/**
 * The metrics of what the kernel remembers. How often it was asked is counted
 * by rules (datapath_metrics.h).
 *
 * @counts  outlives the last reading; collected by somebody else
 *
 * Returns  0; -ENOMEM, where some may be registered.
 */
int recall_metrics_register(const struct recall_counts *counts,
			    struct metrics *metrics);

#endif
