/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/recall_metrics.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netpold/snapshot.h"

static double read_size(const void *ctx)
{
	const size_t *size = ctx;

	return (double)*size;
}

static double read_seconds(const void *ctx)
{
	const int64_t *time_us = ctx;

	return (double)*time_us / 1e6;
}

static uint64_t read_count(const void *ctx)
{
	const uint64_t *count = ctx;

	return *count;
}

/* Of each verdict. */
static const struct {
	size_t offset; /* in struct recall_kept */
	struct metric metric;
} kept_rows[] = {
	{ offsetof(struct recall_kept, size),
	  { .name = "netpold_kernel_cache_answers",
	    .unit = "answers",
	    .help = "Answers that the kernel remembers.",
	    .kind = METRIC_GAUGE,
	    .read.gauge = read_size } },
	{ offsetof(struct recall_kept, max),
	  { .name = "netpold_kernel_cache_capacity_answers",
	    .unit = "answers",
	    .help = "Answers that the kernel can remember.",
	    .kind = METRIC_GAUGE,
	    .read.gauge = read_size } },
	{ offsetof(struct recall_kept, insertions),
	  { .name = "netpold_kernel_cache_insertions_total",
	    .unit = "answers",
	    .help = "Answers that the kernel was given.",
	    .read.counter = read_count } },
	{ offsetof(struct recall_kept, evictions),
	  { .name = "netpold_kernel_cache_evictions_total",
	    .unit = "answers",
	    .help = "Answers that the kernel was made to forget, to have "
		    "room for others.",
	    .read.counter = read_count } },
	{ offsetof(struct recall_kept, deletions),
	  { .name = "netpold_kernel_cache_deletions_total",
	    .unit = "answers",
	    .help = "Answers that the kernel was made to forget, because a "
		    "change had made them wrong.",
	    .read.counter = read_count } },
};

static int add_kept(struct metrics *metrics, const struct recall_kept *kept,
		    enum verdict verdict)
{
	size_t n = sizeof(kept_rows) / sizeof(kept_rows[0]);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct metric metric = kept_rows[i].metric;

		metric.label = "verdict";
		snprintf(metric.label_value, METRIC_LABEL_LEN, "%s",
			 verdict_name(verdict));
		metric.ctx = (const char *)kept + kept_rows[i].offset;
		r = metrics_add(metrics, &metric);
	}
	return r;
}

static int add_others(struct metrics *metrics,
		      const struct recall_counts *counts)
{
	const struct metric rows[] = {
		{ .name = "netpold_kernel_cache_discards_total",
		  .unit = "answers",
		  .help = "Answers that the kernel was not given, because too "
			  "many came at once.",
		  .read.counter = read_count,
		  .ctx = &counts->discards },
		{ .name = "netpold_kernel_cache_rejudged_total",
		  .unit = "answers",
		  .help = "Answers of the kernel's that were judged again after "
			  "a change.",
		  .read.counter = read_count,
		  .ctx = &counts->rejudged },
		{ .name = "netpold_kernel_cache_flushes_total",
		  .unit = "flushes",
		  .help = "Times that the kernel was made to forget all answers "
			  "of a kind.",
		  .read.counter = read_count,
		  .ctx = &counts->flushes },
		{ .name = "netpold_kernel_cache_rejudge_seconds",
		  .unit = "seconds",
		  .help = "How long it took the last time to judge the kernel's "
			  "answers again.",
		  .kind = METRIC_GAUGE,
		  .read.gauge = read_seconds,
		  .ctx = &counts->settle_us },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && r == 0; i++)
		r = metrics_add(metrics, &rows[i]);
	return r;
}

int recall_metrics_register(const struct recall_counts *counts,
			    struct metrics *metrics)
{
	int r = 0;

	for (int v = VERDICT_DENY; v <= VERDICT_ALLOW && r == 0; v++)
		r = add_kept(metrics, &counts->kept[v], (enum verdict)v);
	return r == 0 ? add_others(metrics, counts) : r;
}
