/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_DATAPATH_METRICS_H
#define NETPOLD_DAEMON_OBSERVE_DATAPATH_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/iptables.h"
#include "observe/metrics.h"

/**
 * The metrics of the packet path: what each worker has done, how its queue in
 * the kernel stands, and what nobody has judged; where packets are only copied,
 * how many copies wait.
 */
struct datapath_metrics;
struct worker;

struct datapath_metrics_options {
	const struct worker *const *workers; /* outlive the last reading */
	unsigned int n_workers;		     /* one for each queue */
	uint16_t queue_base;
	bool audits; /* workers judge copies, and there are no queues */
	enum iptables_flavour flavour; /* of the rules that stand */
};

/** NULL without memory. */
struct datapath_metrics *
datapath_metrics_new(const struct datapath_metrics_options *options);

/** After the last reading. NULL is fine. */
void datapath_metrics_free(struct datapath_metrics *datapath);

/**
 * Register them. From the next collection on it is counted what is not judged.
 *
 * Returns  0; -ENOMEM, where some may be registered.
 */
int datapath_metrics_register(struct datapath_metrics *datapath,
			      struct metrics *metrics);

#endif
