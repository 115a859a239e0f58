/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/metrics.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct collector {
	void (*collect)(void *ctx);
	void *ctx;
};

struct metrics {
	pthread_mutex_t lock;
	/* under the lock */
	struct metric *items; /* those of one name stand together */
	size_t n_items;
	struct collector *collectors;
	size_t n_collectors;
};

const char *metric_kind_name(enum metric_kind kind)
{
	static const char *const names[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	return names[kind];
}

size_t metric_labels(const struct metric *metric,
		     struct metric_label out[METRIC_LABELS])
{
	size_t n = 0;

	if (metric->label)
		out[n++] = (struct metric_label){ metric->label,
						  metric->label_value };
	for (size_t i = 0; i < metric->n_more && n < METRIC_LABELS; i++)
		out[n++] = metric->more[i];
	return n;
}

struct metrics *metrics_new(void)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (metrics)
		pthread_mutex_init(&metrics->lock, NULL);
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	pthread_mutex_destroy(&metrics->lock);
	free(metrics->items);
	free(metrics->collectors);
	free(metrics);
}

/* ---- registration ------------------------------------------------------- */

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static bool follows_conventions(const struct metric *metric)
{
	return strncmp(metric->name, "netpold_", strlen("netpold_")) == 0 &&
	       ends_in(metric->name, "_total") ==
		       (metric->kind == METRIC_COUNTER) &&
	       ends_in(metric->help, ".");
}

/* Behind the last one of its name; of a new name, at the end. */
static size_t find_place(const struct metrics *metrics, const char *name)
{
	for (size_t i = metrics->n_items; i > 0; i--) {
		if (strcmp(metrics->items[i - 1].name, name) == 0)
			return i;
	}
	return metrics->n_items;
}

static int add_locked(struct metrics *metrics, const struct metric *metric)
{
	struct metric *grown = reallocarray(
		metrics->items, metrics->n_items + 1, sizeof(*grown));
	size_t place;

	if (!grown)
		return -ENOMEM;
	metrics->items = grown;
	place = find_place(metrics, metric->name);
	memmove(&grown[place + 1], &grown[place],
		(metrics->n_items - place) * sizeof(*grown));
	grown[place] = *metric;
	metrics->n_items++;
	return 0;
}

int metrics_add(struct metrics *metrics, const struct metric *metric)
{
	int r;

	assert(follows_conventions(metric));
	pthread_mutex_lock(&metrics->lock);
	r = add_locked(metrics, metric);
	pthread_mutex_unlock(&metrics->lock);
	return r;
}

static int add_collector_locked(struct metrics *metrics,
				const struct collector *collector)
{
	struct collector *grown = reallocarray(
		metrics->collectors, metrics->n_collectors + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	metrics->collectors = grown;
	grown[metrics->n_collectors++] = *collector;
	return 0;
}

int metrics_add_collector(struct metrics *metrics, void (*collect)(void *ctx),
			  void *ctx)
{
	const struct collector collector = { .collect = collect, .ctx = ctx };
	int r;

	pthread_mutex_lock(&metrics->lock);
	r = add_collector_locked(metrics, &collector);
	pthread_mutex_unlock(&metrics->lock);
	return r;
}

/* ---- reading ------------------------------------------------------------ */

static void collect_locked(struct metrics *metrics)
{
	for (size_t i = 0; i < metrics->n_collectors; i++)
		metrics->collectors[i].collect(metrics->collectors[i].ctx);
}

void metrics_collect(struct metrics *metrics)
{
	pthread_mutex_lock(&metrics->lock);
	collect_locked(metrics);
	pthread_mutex_unlock(&metrics->lock);
}

/* False where nobody knows. */
static bool read_value(const struct metric *metric, union metric_value *value)
{
	switch (metric->kind) {
	case METRIC_COUNTER:
		value->counter = metric->read.counter(metric->ctx);
		return value->counter != METRIC_UNKNOWN;
	case METRIC_GAUGE:
		value->gauge = metric->read.gauge(metric->ctx);
		return !isnan(value->gauge);
	case METRIC_HISTOGRAM:
		if (metric->read.histogram)
			metric->read.histogram(metric->ctx, &value->histogram);
		else
			histogram_read(metric->ctx, &value->histogram);
		return true;
	}
	return false;
}

static int tell(const struct metric *metric, metrics_fn each, void *ctx)
{
	union metric_value value;

	if (metric->walk)
		return metric->walk(metric->ctx, metric, each, ctx);
	return read_value(metric, &value) ? each(ctx, metric, &value) : 0;
}

static int each_locked(struct metrics *metrics, metrics_fn each, void *ctx)
{
	for (size_t i = 0; i < metrics->n_items; i++) {
		int r = tell(&metrics->items[i], each, ctx);

		if (r < 0)
			return r;
	}
	return 0;
}

int metrics_each(struct metrics *metrics, metrics_fn each, void *ctx)
{
	int r;

	pthread_mutex_lock(&metrics->lock);
	collect_locked(metrics);
	r = each_locked(metrics, each, ctx);
	pthread_mutex_unlock(&metrics->lock);
	return r;
}
