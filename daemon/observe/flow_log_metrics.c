/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/flow_log_metrics.h"

#include <stdint.h>
#include <stdio.h>

static uint64_t read_count(const void *ctx)
{
	const _Atomic uint64_t *count = ctx;

	return flow_counts_get(count);
}

static uint64_t read_taken(const void *ctx)
{
	return flow_counts_taken(ctx);
}

static uint64_t read_by_kernel(const void *ctx)
{
	return flow_counts_by_kernel(ctx);
}

static uint64_t read_ends(const void *ctx)
{
	const struct flow_counts *counts = ctx;

	return flow_counts_get(&counts->ends);
}

static uint64_t read_lost_ring(const void *ctx)
{
	return flow_counts_result(ctx, FLOW_LOST_RING);
}

static double read_waiting(const void *ctx)
{
	const struct flow_counts *counts = ctx;

	return (double)flow_counts_total(counts).on_the_way;
}

static int add_results(const struct flow_counts *counts,
		       struct metrics *metrics)
{
	struct metric metric = {
		.name = "netpold_flow_log_records_total",
		.unit = "records",
		.help = "Packets that the flow log was to tell of, by what "
			"became of them: logged in a record, folded into the "
			"count of one, suppressed, or lost.",
		.label = "result",
	};
	int r = 0;

	for (int i = 0; i < N_FLOW_RESULTS && r == 0; i++) {
		snprintf(metric.label_value, METRIC_LABEL_LEN, "%s",
			 flow_result_name((enum flow_result)i));
		metric.read.counter = read_count;
		metric.ctx = &counts->results[i];
		if (i == FLOW_LOST_RING) {
			metric.read.counter = read_lost_ring;
			metric.ctx = counts;
		}
		r = metrics_add(metrics, &metric);
	}
	return r;
}

int flow_log_metrics_register(const struct flow_counts *counts,
			      struct metrics *metrics)
{
	const struct metric taken = {
		.name = "netpold_flow_log_events_total",
		.unit = "events",
		.help = "Packets, and ends of flows, that the flow log was "
			"to tell of.",
		.read.counter = read_taken,
		.ctx = counts,
	};
	const struct metric by_kernel = {
		.name = "netpold_flow_log_kernel_packets_total",
		.unit = "packets",
		.help = "Packets that the flow log was to tell of, and that the "
			"kernel answered from memory.",
		.read.counter = read_by_kernel,
		.ctx = counts,
	};
	const struct metric waiting = {
		.name = "netpold_flow_log_waiting_packets",
		.unit = "packets",
		.help = "Packets that the flow log is to tell of, and whose "
			"record is not written yet: repeats that are still "
			"counted, and what waits for the logger or the "
			"reader.",
		.kind = METRIC_GAUGE,
		.read.gauge = read_waiting,
		.ctx = counts,
	};
	const struct metric ends = {
		.name = "netpold_flow_log_ends_total",
		.unit = "ends",
		.help = "Ends of flows that the flow log was to tell of "
			"(--flow-log-ends).",
		.read.counter = read_ends,
		.ctx = counts,
	};
	int r = metrics_add(metrics, &taken);

	if (r == 0)
		r = metrics_add(metrics, &by_kernel);
	if (r == 0)
		r = metrics_add(metrics, &ends);
	if (r == 0)
		r = add_results(counts, metrics);
	return r == 0 ? metrics_add(metrics, &waiting) : r;
}
