/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_SOURCE_METRICS_H
#define NETPOLD_DAEMON_OBSERVE_SOURCE_METRICS_H

#include "kube/kube_status.h"
#include "observe/metrics.h"

/**
 * The metrics of what is read from an API server, by resource. There are none
 * while objects come from manifests.
 */
struct source_metrics {
	/* set before the first collection */
	struct source_metrics_item {
		const struct kube_status *source;
		enum kube_resource resource;
	} items[N_KUBE_RESOURCES];
};

/**
 * Register them.
 *
 * @source  like @out it outlives the last reading; it changes in collectors
 *          only
 *
 * Returns  0; -ENOMEM, where some may be registered.
 */
int source_metrics_register(struct source_metrics *out,
			    const struct kube_status *source,
			    struct metrics *metrics);

#endif
