/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/source_metrics.h"

#include <math.h>
#include <stdio.h>

#include "clock.h"

/* NULL where there is nothing to tell: objects come from manifests, or the
   server does not know the resource, which all but one of them cannot be. */
static const struct kube_resource_status *find(const void *ctx)
{
	const struct source_metrics_item *item = ctx;
	const struct kube_resource_status *found =
		&item->source->resources[item->resource];

	if (!item->source->is_used)
		return NULL;
	return item->resource != KUBE_CLUSTER_POLICIES || found->is_served
		       ? found
		       : NULL;
}

/* ---- gauges ------------------------------------------------------------- */

/* API-28: what is in force is that old, if nobody has changed anything. */
static double read_age(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	if (!resource || !resource->heard_us)
		return NAN;
	return (double)(clock_us() - resource->heard_us) / 1e6;
}

static double read_synced(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	return resource ? resource->is_synced : NAN;
}

static double read_objects(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	return resource ? (double)resource->n_objects : NAN;
}

static double read_unreadable(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	return resource ? (double)resource->n_unreadable : NAN;
}

static double read_ignored(const void *ctx)
{
	const struct source_metrics_item *item = ctx;

	return item->source->is_used
		       ? (double)item->source->resources[item->resource]
				 .n_objects
		       : NAN;
}

/* ---- counters ----------------------------------------------------------- */

static uint64_t read_lists(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	return resource ? resource->n_lists : METRIC_UNKNOWN;
}

static uint64_t read_watches(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	return resource ? resource->n_watches : METRIC_UNKNOWN;
}

static uint64_t read_events(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	return resource ? resource->n_events : METRIC_UNKNOWN;
}

static uint64_t read_failures(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	return resource ? resource->n_failures : METRIC_UNKNOWN;
}

static uint64_t read_requests(const void *ctx)
{
	const struct kube_resource_status *resource = find(ctx);

	return resource ? resource->n_requests : METRIC_UNKNOWN;
}

/* ---- registration ------------------------------------------------------- */

/* Of each resource. */
static const struct metric rows[] = {
	{ .name = "netpold_source_age_seconds",
	  .unit = "seconds",
	  .help = "Since the API server last said anything about the resource.",
	  .kind = METRIC_GAUGE,
	  .read.gauge = read_age },
	{ .name = "netpold_source_synced",
	  .unit = "state",
	  .help = "1 once a whole list of the resource has come.",
	  .kind = METRIC_GAUGE,
	  .read.gauge = read_synced },
	{ .name = "netpold_source_objects",
	  .unit = "objects",
	  .help = "Objects of the resource that are known.",
	  .kind = METRIC_GAUGE,
	  .read.gauge = read_objects },
	{ .name = "netpold_source_unreadable_objects",
	  .unit = "objects",
	  .help = "Objects that the API server has and that cannot be read "
		  "in full; they are not in force as they stand.",
	  .kind = METRIC_GAUGE,
	  .read.gauge = read_unreadable },
	{ .name = "netpold_source_lists_total",
	  .unit = "lists",
	  .help = "Whole lists that were read.",
	  .read.counter = read_lists },
	{ .name = "netpold_source_watches_total",
	  .unit = "watches",
	  .help = "Watches that the API server has begun to answer.",
	  .read.counter = read_watches },
	{ .name = "netpold_source_events_total",
	  .unit = "events",
	  .help = "Events of watches that were taken in.",
	  .read.counter = read_events },
	{ .name = "netpold_source_failures_total",
	  .unit = "failures",
	  .help = "Lists and watches that came to a bad end.",
	  .read.counter = read_failures },
	{ .name = "netpold_source_requests_total",
	  .unit = "requests",
	  .help = "Requests that were sent.",
	  .read.counter = read_requests },
};

static int add_row(const struct metric *row,
		   const struct source_metrics_item *item,
		   struct metrics *metrics)
{
	struct metric metric = *row;

	metric.label = "resource";
	snprintf(metric.label_value, METRIC_LABEL_LEN, "%s",
		 kube_resource_name(item->resource));
	metric.ctx = item;
	return metrics_add(metrics, &metric);
}

int source_metrics_register(struct source_metrics *out,
			    const struct kube_status *source,
			    struct metrics *metrics)
{
	const struct metric ignored = {
		.name = "netpold_cluster_network_policies_ignored",
		.unit = "policies",
		.help = "ClusterNetworkPolicies that the API server has, and "
			"that are not enforced.",
		.kind = METRIC_GAUGE,
		.read.gauge = read_ignored,
		.ctx = &out->items[KUBE_CLUSTER_POLICIES],
	};
	int r = 0;

	for (int i = 0; i < N_KUBE_RESOURCES; i++)
		out->items[i] =
			(struct source_metrics_item){ source,
						      (enum kube_resource)i };
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		for (int i = 0; i < N_KUBE_RESOURCES && r == 0; i++)
			r = add_row(&rows[row], &out->items[i], metrics);
	}
	return r == 0 ? metrics_add(metrics, &ignored) : r;
}
