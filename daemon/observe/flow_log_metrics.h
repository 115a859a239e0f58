/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_FLOW_LOG_METRICS_H
#define NETPOLD_DAEMON_OBSERVE_FLOW_LOG_METRICS_H

#include "flowlog/flow_counts.h"
#include "observe/metrics.h"

/**
 * The metrics of the flow log: what has become of the packets that were judged.
 *
 * @counts  outlives the last reading
 *
 * Returns  0; -ENOMEM, where some may be registered.
 */
int flow_log_metrics_register(const struct flow_counts *counts,
			      struct metrics *metrics);

#endif
