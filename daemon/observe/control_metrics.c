/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/control_metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "enforcement.h"
#include "observe/health.h"
#include "observe/recall_metrics.h"
#include "version.h"

/* ---- collecting --------------------------------------------------------- */

/* The second number of /proc/self/statm (proc(5)), in pages. */
static double read_resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	char line[128] = "", *second = NULL, *end = NULL;
	unsigned long pages;

	if (!file)
		return NAN;
	if (fgets(line, sizeof(line), file))
		strtoul(line, &second, 10);
	fclose(file);
	if (!second || *second != ' ')
		return NAN;
	pages = strtoul(second, &end, 10);
	return end == second ? NAN
			     : (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* NAN where there is no such time. */
static double to_seconds(int64_t time_us)
{
	return time_us ? (double)time_us / 1e6 : NAN;
}

static void collect(void *ctx)
{
	struct control_metrics *control = ctx;
	const struct status *status = &control->status;
	const struct compiler_memory *memory = &status->memory;
	double *gauges = control->gauges;
	struct health health;

	status_board_get(control->board, &control->status);
	health_check_ready(status, clock_us(), &health);
	gauges[CONTROL_BUILD] = 1;
	gauges[CONTROL_READY] = health.good;
	gauges[CONTROL_START_TIME] = to_seconds(status->started_us);
	gauges[CONTROL_GENERATION] = (double)status->generation;
	gauges[CONTROL_IN_FORCE_TIME] = to_seconds(status->in_force_since_us);
	gauges[CONTROL_PAUSED] = status->pause.since_us != 0;
	gauges[CONTROL_PAUSE_END_TIME] = to_seconds(status->pause.until_us);
	gauges[CONTROL_REFUSED] = status->refused.since_us != 0;
	gauges[CONTROL_UNSETTLED] = status->unsettled.since_us != 0;
	gauges[CONTROL_AUDIT] = status->audit;
	gauges[CONTROL_WARM] = status->warm.since_us != 0;
	gauges[CONTROL_POLICIES] = (double)status->counts.policies;
	gauges[CONTROL_STAGED_POLICIES] =
		(double)status->counts.staged_policies;
	gauges[CONTROL_PODS] = (double)status->counts.pods;
	gauges[CONTROL_LOCAL_PODS] = (double)status->counts.local_pods;
	gauges[CONTROL_ISOLATED_EGRESS] =
		(double)status->n_isolated[DIRECTION_EGRESS];
	gauges[CONTROL_ISOLATED_INGRESS] =
		(double)status->n_isolated[DIRECTION_INGRESS];
	gauges[CONTROL_MEMORY_ADDRESSES] = (double)memory->addresses;
	gauges[CONTROL_MEMORY_IDENTITIES] = (double)memory->identities;
	gauges[CONTROL_MEMORY_PEERS] = (double)memory->peers;
	gauges[CONTROL_MEMORY_RULES] = (double)memory->rules;
	gauges[CONTROL_MEMORY_INDEX] = (double)memory->index;
	gauges[CONTROL_RESIDENT] = read_resident_bytes();
}

/* ---- registration ------------------------------------------------------- */

static double read_gauge(const void *ctx)
{
	const double *gauge = ctx;

	return *gauge;
}

static uint64_t read_count(const void *ctx)
{
	const uint64_t *count = ctx;

	return *count;
}

/* Names that have a label have several values. */
#define ISOLATED                                                               \
	.name = "netpold_isolated_addresses", .unit = "addresses",             \
	.help = "Addresses of local pods that a policy isolates.",             \
	.label = "direction"
#define SWEEPS                                                                 \
	.name = "netpold_sweeps_total", .unit = "sweeps",                      \
	.help = "Changes for which open connections were judged again: those " \
		"of the addresses concerned, or all.",                         \
	.label = "extent"
#define MEMORY                                                                 \
	.name = "netpold_snapshot_memory_bytes", .unit = "bytes",              \
	.help = "Memory of the compiled policies, by part.", .label = "part"

static const struct {
	const char *name, *unit, *help, *label, *label_value;
} gauge_rows[N_CONTROL_GAUGES] = {
	[CONTROL_BUILD] = { .name = "netpold_build_info",
			    .unit = "state",
			    .help = "Always 1: which netpold this is.",
			    .label = "version",
			    .label_value = VERSION_TEXT },
	[CONTROL_READY] = { .name = "netpold_ready",
			    .unit = "state",
			    .help = "1 once what was really read is in force." },
	[CONTROL_START_TIME] = { .name = "netpold_start_time_seconds",
				 .unit = "seconds",
				 .help = "When netpold started, since 1970." },
	[CONTROL_GENERATION] = { .name = "netpold_generation",
				 .unit = "changes",
				 .help = "The change that is in force, or was before a pause, counted from the start." },
	[CONTROL_IN_FORCE_TIME] = { .name = "netpold_in_force_timestamp_seconds",
				    .unit = "seconds",
				    .help = "Since when the last change is in force, since 1970." },
	[CONTROL_AUDIT] = { .name = "netpold_audit",
			    .unit = "state",
			    .help = "1 where nothing is enforced (--mode=audit): what counts as denied would be, and passes." },
	[CONTROL_PAUSED] = { .name = "netpold_paused",
			     .unit = "state",
			     .help = "1 while enforcement is paused: nothing is denied." },
	[CONTROL_PAUSE_END_TIME] = { .name = "netpold_pause_end_timestamp_seconds",
				     .unit = "seconds",
				     .help = "When the pause ends, since 1970." },
	[CONTROL_REFUSED] = { .name = "netpold_refused",
			      .unit = "state",
			      .help = "1 while what the objects say is refused." },
	[CONTROL_UNSETTLED] = { .name = "netpold_unsettled",
				.unit = "state",
				.help = "1 while open connections do not obey the last change yet." },
	[CONTROL_WARM] = { .name = "netpold_warm",
			   .unit = "state",
			   .help = "1 while what the last run read is in force, because objects cannot be read." },
	[CONTROL_POLICIES] = { .name = "netpold_policies",
			       .unit = "policies",
			       .help = "Policies in force." },
	[CONTROL_STAGED_POLICIES] = { .name = "netpold_staged_policies",
				      .unit = "policies",
				      .help = "Policies that are judged by, and not enforced." },
	[CONTROL_PODS] = { .name = "netpold_pods",
			   .unit = "pods",
			   .help = "Pods that have an address." },
	[CONTROL_LOCAL_PODS] = { .name = "netpold_local_pods",
				 .unit = "pods",
				 .help = "Pods that run on this node." },
	[CONTROL_ISOLATED_EGRESS] = { ISOLATED, .label_value = "egress" },
	[CONTROL_ISOLATED_INGRESS] = { ISOLATED, .label_value = "ingress" },
	[CONTROL_MEMORY_ADDRESSES] = { MEMORY, .label_value = "addresses" },
	[CONTROL_MEMORY_IDENTITIES] = { MEMORY, .label_value = "identities" },
	[CONTROL_MEMORY_PEERS] = { MEMORY, .label_value = "peers" },
	[CONTROL_MEMORY_RULES] = { MEMORY, .label_value = "rules" },
	[CONTROL_MEMORY_INDEX] = { MEMORY, .label_value = "index" },
	[CONTROL_RESIDENT] = { .name = "netpold_resident_memory_bytes",
			       .unit = "bytes",
			       .help = "Memory of the process." },
};

static int add_gauges(struct metrics *metrics,
		      const struct control_metrics *control)
{
	int r = 0;

	for (int i = 0; i < N_CONTROL_GAUGES && r == 0; i++) {
		struct metric metric = {
			.name = gauge_rows[i].name,
			.unit = gauge_rows[i].unit,
			.help = gauge_rows[i].help,
			.kind = METRIC_GAUGE,
			.label = gauge_rows[i].label,
			.read.gauge = read_gauge,
			.ctx = &control->gauges[i],
		};

		if (metric.label)
			snprintf(metric.label_value, METRIC_LABEL_LEN, "%s",
				 gauge_rows[i].label_value);
		r = metrics_add(metrics, &metric);
	}
	return r;
}

static int add_others(struct metrics *metrics,
		      const struct control_metrics *control)
{
	const struct metric rows[] = {
		{ .name = "netpold_connections_revoked_total",
		  .unit = "connections",
		  .help = "Open connections that a change denied.",
		  .read.counter = read_count,
		  .ctx = &control->status.n_revoked },
		{ .name = "netpold_connections_picked_up_total",
		  .unit = "connections",
		  .help = "Connections older than netpold, let through.",
		  .read.counter = read_count,
		  .ctx = &control->status.n_picked_up },
		{ .name = "netpold_rules_mended_total",
		  .unit = "repairs",
		  .help = "Times that the rules of a family were put up again "
			  "because somebody had changed them.",
		  .read.counter = read_count,
		  .ctx = &control->status.n_mended_rules },
		{ .name = "netpold_set_members_mended_total",
		  .unit = "members",
		  .help = "Members of sets put back or taken out because "
			  "somebody had changed them.",
		  .read.counter = read_count,
		  .ctx = &control->status.n_mended_members },
		{ .name = "netpold_compile_seconds",
		  .unit = "seconds",
		  .help = "Time to compile a change.",
		  .kind = METRIC_HISTOGRAM,
		  .ctx = &control->compile },
		{ .name = "netpold_program_seconds",
		  .unit = "seconds",
		  .help = "Time to put the addresses that a change isolates "
			  "into the kernel's sets.",
		  .kind = METRIC_HISTOGRAM,
		  .ctx = &control->program },
		{ SWEEPS, .label_value = "addresses",
		  .read.counter = read_count,
		  .ctx = &control->status.n_sweeps[SWEEP_ADDRESSES] },
		{ SWEEPS, .label_value = "all", .read.counter = read_count,
		  .ctx = &control->status.n_sweeps[SWEEP_ALL] },
		{ .name = "netpold_publish_seconds",
		  .unit = "seconds",
		  .help = "Time from the event until new flows obey the change.",
		  .kind = METRIC_HISTOGRAM,
		  .ctx = &control->publish },
		{ .name = "netpold_sweep_seconds",
		  .unit = "seconds",
		  .help = "Time from when new flows obey a change until open "
			  "connections do, too.",
		  .kind = METRIC_HISTOGRAM,
		  .ctx = &control->sweep },
		{ .name = "netpold_change_seconds",
		  .unit = "seconds",
		  .help = "Time from the event until the change is in force.",
		  .kind = METRIC_HISTOGRAM,
		  .ctx = &control->change },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && r == 0; i++)
		r = metrics_add(metrics, &rows[i]);
	return r;
}

int control_metrics_register(struct control_metrics *control,
			     struct status_board *board,
			     struct metrics *metrics)
{
	int r;

	control->board = board;
	r = metrics_add_collector(metrics, collect, control);
	if (r == 0)
		r = add_gauges(metrics, control);
	if (r == 0)
		r = add_others(metrics, control);
	if (r == 0)
		r = recall_metrics_register(&control->status.recall, metrics);
	return r == 0 ? source_metrics_register(&control->source,
						&control->status.source,
						metrics)
		      : r;
}
