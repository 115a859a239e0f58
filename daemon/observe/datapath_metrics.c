/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/datapath_metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "netpold/snapshot.h"

#include "clock.h"
#include "datapath/queue.h"
#include "datapath/queue_status.h"
#include "datapath/rule_counter.h"
#include "datapath/verdict_counts.h"
#include "datapath/worker.h"
#include "observe/unjudged.h"
#include "observe/verdict_metrics.h"

/* Asking iptables costs some milliseconds. */
#define RULES_EVERY_MS 5000

struct datapath_metrics {
	const struct worker **workers;
	unsigned int n_workers;
	uint16_t queue_base;
	bool audits;
	enum iptables_flavour flavour;
	/* of the last collection */
	struct worker_counters *counters; /* by worker */
	struct queue_status *queues;	  /* by worker */
	struct verdict_sums verdicts;
	struct rule_counts rules;
	bool rules_known;
	struct unjudged unjudged;
	bool unjudged_known;
	int64_t rules_asked_us; /* 0: never */
};

/* ---- collecting --------------------------------------------------------- */

/* Returns how many packets all of them have received, without those that are
   held: these still wait in the queues. Copies that are lost have numbers
   (copies.h): they are waited for no more. */
static uint64_t count_workers(struct datapath_metrics *d)
{
	uint64_t received = 0;

	d->verdicts = (struct verdict_sums){ 0 };
	for (unsigned int i = 0; i < d->n_workers; i++) {
		d->counters[i] = (struct worker_counters){ 0 };
		worker_count(d->workers[i], &d->counters[i]);
		worker_count_verdicts(d->workers[i], &d->verdicts);
		received += d->counters[i].packets + d->counters[i].lost -
			    d->counters[i].holding;
	}
	return received;
}

/* Returns how many packets wait in all of them; negative errno. */
static int64_t look_at_queues(struct datapath_metrics *d)
{
	int64_t waiting = 0;
	int r;

	if (d->audits)
		return 0;
	r = queue_status_read(QUEUE_STATUS_PATH, d->queue_base, d->queues,
			      d->n_workers);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < d->n_workers; i++)
		waiting += d->queues[i].waiting;
	return waiting;
}

static bool rules_are_due(struct datapath_metrics *d)
{
	int64_t now_us = clock_us();

	if (d->rules_asked_us &&
	    now_us - d->rules_asked_us < RULES_EVERY_MS * 1000)
		return false;
	d->rules_asked_us = now_us;
	return true;
}

/* In the order that unjudged.h asks for. */
static void collect(void *ctx)
{
	struct datapath_metrics *d = ctx;
	struct unjudged_reading reading = { .received_first =
						    count_workers(d) };
	bool asked = rules_are_due(d);
	int64_t waiting;

	if (asked)
		d->rules_known =
			rule_counter_read(d->flavour, &d->rules, NULL) == 0;
	waiting = look_at_queues(d);
	reading.received = count_workers(d);
	if (!asked)
		return;
	d->unjudged_known = d->rules_known && waiting >= 0;
	if (d->unjudged_known) {
		reading.hits = d->audits ? d->rules.copied : d->rules.queued;
		reading.waiting = (uint64_t)waiting;
		unjudged_take(&d->unjudged, &reading);
	}
}

/* ---- reading ------------------------------------------------------------ */

static uint64_t read_count(const void *ctx)
{
	const uint64_t *count = ctx;

	return *count;
}

static double read_holding(const void *ctx)
{
	const struct worker_counters *counters = ctx;

	return (double)counters->holding;
}

static double read_waiting(const void *ctx)
{
	const struct queue_status *queue = ctx;

	return queue->known ? (double)queue->waiting : NAN;
}

static double read_capacity(const void *ctx)
{
	(void)ctx;
	return QUEUE_MAX_LEN;
}

static uint64_t read_dropped(const void *ctx)
{
	const struct queue_status *queue = ctx;

	return queue->known ? queue->dropped : METRIC_UNKNOWN;
}

static uint64_t read_user_dropped(const void *ctx)
{
	const struct queue_status *queue = ctx;

	return queue->known ? queue->user_dropped : METRIC_UNKNOWN;
}

static uint64_t read_unjudged(const void *ctx)
{
	const struct datapath_metrics *d = ctx;

	return d->unjudged_known ? d->unjudged.count : METRIC_UNKNOWN;
}

static double read_copies_waiting(const void *ctx)
{
	const struct datapath_metrics *d = ctx;

	return d->unjudged_known ? (double)d->unjudged.missing : NAN;
}

static uint64_t read_limited(const void *ctx)
{
	const struct datapath_metrics *d = ctx;

	return d->rules_known ? d->rules.limited : METRIC_UNKNOWN;
}

static uint64_t read_recalled(const struct datapath_metrics *d, enum verdict v)
{
	return d->rules_known ? d->rules.recalled[v] : METRIC_UNKNOWN;
}

static uint64_t read_recalled_allow(const void *ctx)
{
	return read_recalled(ctx, VERDICT_ALLOW);
}

static uint64_t read_recalled_deny(const void *ctx)
{
	return read_recalled(ctx, VERDICT_DENY);
}

/* ---- registration ------------------------------------------------------- */

static const struct {
	size_t offset; /* in struct worker_counters */
	const char *name, *unit, *help;
} worker_rows[] = {
	{ offsetof(struct worker_counters, packets), "netpold_packets_total",
	  "packets", "Packets received from the queue." },
	{ offsetof(struct worker_counters, allowed),
	  "netpold_packets_allowed_total", "packets",
	  "Packets that opened a flow which is allowed." },
	{ offsetof(struct worker_counters, passed),
	  "netpold_packets_passed_total", "packets",
	  "Packets let through without remembering their flow." },
	{ offsetof(struct worker_counters, denied),
	  "netpold_packets_denied_total", "packets",
	  "Packets dropped, those included that could not be parsed." },
	{ offsetof(struct worker_counters, rejected),
	  "netpold_packets_rejected_total", "packets",
	  "Packets dropped whose senders were told so." },
	{ offsetof(struct worker_counters, unparsable),
	  "netpold_packets_unparsable_total", "packets",
	  "Packets whose headers could not be read." },
	{ offsetof(struct worker_counters, unclassified),
	  "netpold_packets_unclassified_total", "packets",
	  "Packets whose mark was overwritten on their way to the queue." },
	{ offsetof(struct worker_counters, unanswered),
	  "netpold_packets_unanswered_total", "packets",
	  "Packets whose verdict could not be sent to the kernel." },
	{ offsetof(struct worker_counters, overruns),
	  "netpold_queue_overruns_total", "overruns",
	  "Times that the kernel lost packets because they were not fetched "
	  "fast enough." },
	{ offsetof(struct worker_counters, lost), "netpold_copies_lost_total",
	  "packets",
	  "Copies of packets that found no room, and were not judged "
	  "(--mode=audit)." },
	{ offsetof(struct worker_counters, cache_hits),
	  "netpold_cache_hits_total", "questions",
	  "Questions answered by the flow cache." },
	{ offsetof(struct worker_counters, cache_misses),
	  "netpold_cache_misses_total", "questions",
	  "Questions answered by the policies." },
	{ offsetof(struct worker_counters, cache_evictions),
	  "netpold_cache_evictions_total", "answers",
	  "Answers that the flow cache forgot while they were good." },
	{ offsetof(struct worker_counters, released),
	  "netpold_held_packets_released_total", "packets",
	  "Packets of addresses that no pod had, judged once one had it." },
	{ offsetof(struct worker_counters, timed_out),
	  "netpold_held_packets_timed_out_total", "packets",
	  "Packets of addresses that no pod had in time, dropped." },
	{ offsetof(struct worker_counters, overflowed),
	  "netpold_held_packets_overflowed_total", "packets",
	  "Packets of addresses that no pod had, dropped since too many were "
	  "held." },
};
#define N_WORKER_ROWS (sizeof(worker_rows) / sizeof(worker_rows[0]))

static const struct metric queue_rows[] = {
	{ .name = "netpold_queue_waiting_packets",
	  .unit = "packets",
	  .help = "Packets in the kernel that have no verdict yet.",
	  .kind = METRIC_GAUGE,
	  .read.gauge = read_waiting },
	{ .name = "netpold_queue_capacity_packets",
	  .unit = "packets",
	  .help = "Packets that may wait for a verdict at once.",
	  .kind = METRIC_GAUGE,
	  .read.gauge = read_capacity },
	{ .name = "netpold_queue_dropped_packets_total",
	  .unit = "packets",
	  .help = "Packets that the kernel dropped because the queue was full.",
	  .read.counter = read_dropped },
	{ .name = "netpold_queue_user_dropped_packets_total",
	  .unit = "packets",
	  .help = "Packets that the kernel dropped because netpold's socket "
		  "was full.",
	  .read.counter = read_user_dropped },
};
#define N_QUEUE_ROWS (sizeof(queue_rows) / sizeof(queue_rows[0]))

static int add_workers(struct metrics *metrics,
		       const struct datapath_metrics *d)
{
	int r = 0;

	for (size_t row = 0; row < N_WORKER_ROWS; row++) {
		struct metric metric = {
			.name = worker_rows[row].name,
			.unit = worker_rows[row].unit,
			.help = worker_rows[row].help,
			.label = "worker",
			.read.counter = read_count,
		};

		for (unsigned int i = 0; i < d->n_workers && r == 0; i++) {
			snprintf(metric.label_value, METRIC_LABEL_LEN, "%u", i);
			metric.ctx = (const char *)&d->counters[i] +
				     worker_rows[row].offset;
			r = metrics_add(metrics, &metric);
		}
	}
	return r;
}

static int add_holding(struct metrics *metrics,
		       const struct datapath_metrics *d)
{
	struct metric metric = {
		.name = "netpold_held_packets",
		.unit = "packets",
		.help = "Packets of addresses that no pod has, held now.",
		.kind = METRIC_GAUGE,
		.label = "worker",
		.read.gauge = read_holding,
	};
	int r = 0;

	for (unsigned int i = 0; i < d->n_workers && r == 0; i++) {
		snprintf(metric.label_value, METRIC_LABEL_LEN, "%u", i);
		metric.ctx = &d->counters[i];
		r = metrics_add(metrics, &metric);
	}
	return r;
}

static void read_latency(const void *ctx, struct histogram_snapshot *out)
{
	const struct datapath_metrics *d = ctx;

	*out = (struct histogram_snapshot){ .count = 0 };
	for (unsigned int i = 0; i < d->n_workers; i++)
		histogram_add(out, worker_latency(d->workers[i]));
}

static int add_latency(struct metrics *metrics,
		       const struct datapath_metrics *d)
{
	const struct metric metric = {
		.name = "netpold_verdict_seconds",
		.unit = "seconds",
		.help = "Time from when a packet was received until the "
			"verdicts of all that came with it were sent, or, of "
			"copies, counted (--mode=audit).",
		.kind = METRIC_HISTOGRAM,
		.read.histogram = read_latency,
		.ctx = d,
	};

	return metrics_add(metrics, &metric);
}

static int add_queues(struct metrics *metrics, const struct datapath_metrics *d)
{
	int r = 0;

	for (size_t row = 0; row < N_QUEUE_ROWS; row++) {
		struct metric metric = queue_rows[row];

		metric.label = "queue";
		for (unsigned int i = 0; i < d->n_workers && r == 0; i++) {
			snprintf(metric.label_value, METRIC_LABEL_LEN, "%u",
				 d->queue_base + i);
			metric.ctx = &d->queues[i];
			r = metrics_add(metrics, &metric);
		}
	}
	return r;
}

#define RECALLED                                                               \
	.name = "netpold_kernel_cache_hits_total", .unit = "packets",          \
	.help = "Packets whose answer the kernel remembered, since the rules " \
		"were put up.",                                                \
	.label = "verdict"

static const struct metric rule_rows[] = {
	{ .name = "netpold_limited_packets_total",
	  .unit = "packets",
	  .help = "Packets not judged because their source sends too many: "
		  "dropped, or let through where only staged policies isolate "
		  "or where nothing is enforced (--mode=audit).",
	  .read.counter = read_limited },
	{ RECALLED, .label_value = "allow",
	  .read.counter = read_recalled_allow },
	{ RECALLED, .label_value = "deny", .read.counter = read_recalled_deny },
};

/* Of what the rules have sent, what nobody has received. */
static const struct metric unjudged_row = {
	.name = "netpold_unjudged_packets_total",
	.unit = "packets",
	.help = "Packets of isolated pods that nobody has judged: the kernel "
		"dropped them or let them through, because a queue was full "
		"or none was there.",
	.read.counter = read_unjudged,
};
static const struct metric copies_row = {
	.name = "netpold_copies_waiting_packets",
	.unit = "packets",
	.help = "Copies of packets that were not received yet, or are lost and "
		"not known to be (--mode=audit).",
	.kind = METRIC_GAUGE,
	.read.gauge = read_copies_waiting,
};
#define N_RULE_ROWS (sizeof(rule_rows) / sizeof(rule_rows[0]))

static int add_rules(struct metrics *metrics, const struct datapath_metrics *d)
{
	int r = 0;

	for (size_t row = 0; row < N_RULE_ROWS && r == 0; row++) {
		struct metric metric = rule_rows[row];

		metric.ctx = d;
		r = metrics_add(metrics, &metric);
	}
	if (r == 0) {
		struct metric metric = d->audits ? copies_row : unjudged_row;

		metric.ctx = d;
		r = metrics_add(metrics, &metric);
	}
	return r;
}

int datapath_metrics_register(struct datapath_metrics *datapath,
			      struct metrics *metrics)
{
	int r = metrics_add_collector(metrics, collect, datapath);

	if (r == 0)
		r = add_holding(metrics, datapath);
	if (r == 0)
		r = add_workers(metrics, datapath);
	if (r == 0)
		r = datapath->audits ? 0 : add_queues(metrics, datapath);
	if (r == 0)
		r = verdict_metrics_register(&datapath->verdicts,
					     datapath->audits, metrics);
	if (r == 0)
		r = add_latency(metrics, datapath);
	return r == 0 ? add_rules(metrics, datapath) : r;
}

struct datapath_metrics *
datapath_metrics_new(const struct datapath_metrics_options *options)
{
	struct datapath_metrics *d = calloc(1, sizeof(*d));
	size_t n = options->n_workers;

	if (!d)
		return NULL;
	d->queue_base = options->queue_base;
	d->audits = options->audits;
	d->flavour = options->flavour;
	d->n_workers = options->n_workers;
	d->workers = calloc(n, sizeof(const struct worker *));
	d->counters = calloc(n, sizeof(*d->counters));
	d->queues = calloc(n, sizeof(*d->queues));
	if (!d->workers || !d->counters || !d->queues) {
		datapath_metrics_free(d);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		d->workers[i] = options->workers[i];
	return d;
}

void datapath_metrics_free(struct datapath_metrics *datapath)
{
	if (!datapath)
		return;
	free(datapath->workers);
	free(datapath->counters);
	free(datapath->queues);
	free(datapath);
}
