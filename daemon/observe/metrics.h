/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_METRICS_H
#define NETPOLD_DAEMON_OBSERVE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "observe/histogram.h"

/**
 * All numbers that netpold tells about itself, by name.
 *
 * A metric is no number but a way to read one: whoever does the work keeps a
 * counter of its own, at the cost of an addition, and the registry asks for it
 * when somebody wants to know. Names are those of Prometheus' conventions:
 * netpold_, base units (seconds, bytes), _total on counters.
 *
 * Threads  any. One lock is held while numbers are read; it is never taken on
 *          the way of a packet.
 */
struct metrics;

enum metric_kind {
	METRIC_COUNTER = 0, /* only ever grows while the daemon lives */
	METRIC_GAUGE,
	METRIC_HISTOGRAM, /* of durations in seconds */
};

/** "counter", "gauge" or "histogram". */
const char *metric_kind_name(enum metric_kind kind);

/** What a counter's read() returns where nobody knows; a gauge's returns NAN.
 *  The metric is left out then. */
#define METRIC_UNKNOWN UINT64_MAX

#define METRIC_LABEL_LEN 32

/** So many labels one metric may have. */
#define METRIC_LABELS 6

struct metric_label {
	const char *name, *value;
};

/** A metric's value by its kind. */
union metric_value {
	uint64_t counter;
	double gauge;
	struct histogram_snapshot histogram;
};

struct metric;

/** Negative ends the walk. */
typedef int (*metrics_fn)(void *ctx, const struct metric *metric,
			  const union metric_value *value);

/**
 * One metric. Several may have one name, and then differ in their labels'
 * values only: they are told as a group.
 */
struct metric {
	const char *name; /* strings outlive the registry */
	const char *unit; /* of its value: "packets", "seconds", … */
	const char *help; /* a sentence */
	enum metric_kind kind;
	const char *label; /* NULL: none */
	char label_value[METRIC_LABEL_LEN];
	const struct metric_label *more; /* labels after that one */
	size_t n_more;
	/* By kind. The context outlives the registry, or its last reading. */
	union {
		uint64_t (*counter)(const void *ctx);
		double (*gauge)(const void *ctx);
		/* NULL: the context is a struct histogram */
		void (*histogram)(const void *ctx,
				  struct histogram_snapshot *out);
	} read;
	/* In place of that, where values come and go with what they are about:
	   call @each for each of them with a copy of @metric that has its
	   labels, as long as it returns 0. */
	int (*walk)(const void *ctx, const struct metric *metric,
		    metrics_fn each, void *each_ctx);
	const void *ctx;
};

/** All labels of a metric; how many there are. */
size_t metric_labels(const struct metric *metric,
		     struct metric_label out[METRIC_LABELS]);

/** NULL without memory. */
struct metrics *metrics_new(void);

/** NULL is fine. */
void metrics_free(struct metrics *metrics);

/** Register a metric; it is copied. 0 or -ENOMEM. */
int metrics_add(struct metrics *metrics, const struct metric *metric);

/**
 * Have @collect called each time before metrics are read: for numbers that are
 * got many at once, as from a file of /proc.
 *
 * Returns  0 or -ENOMEM.
 */
int metrics_add_collector(struct metrics *metrics, void (*collect)(void *ctx),
			  void *ctx);

/** Call the collectors, without reading anything. */
void metrics_collect(struct metrics *metrics);

/**
 * Read all metrics whose value is known, those of one name together, names in
 * the order of their registration.
 *
 * Returns  0, or what @each returned.
 */
int metrics_each(struct metrics *metrics, metrics_fn each, void *ctx);

/**
 * The same as an array for JSON (metrics in
 * include/netpold/schema/status.schema.json).
 *
 * Returns  a new reference, or NULL without memory.
 */
json_t *metrics_to_json(struct metrics *metrics);

#endif
