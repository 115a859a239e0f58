/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One object for each name, with the values of all that have it:
 *
 *	{"name": "netpold_packets_total", "type": "counter", "unit": "packets",
 *	 "help": "Packets received from the queue.",
 *	 "values": [{"labels": {"worker": "0"}, "value": 12},
 *	            {"labels": {"worker": "1"}, "value": 7}]}
 */
#include "observe/metrics.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* What a double holds without loss. */
#define MAX_WHOLE 9007199254740992.0

/* A count is written as one: 3, not 3.0. */
static json_t *number_to_json(double number)
{
	if (number > -MAX_WHOLE && number < MAX_WHOLE &&
	    (double)(json_int_t)number == number)
		return json_integer((json_int_t)number);
	return json_real(number);
}

static json_t *count_to_json(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static json_t *buckets_to_json(const struct histogram_snapshot *histogram)
{
	json_t *buckets = json_array();
	int r = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		r |= json_array_append_new(
			buckets,
			json_pack("{so so}", "le",
				  number_to_json(histogram->bounds[i]), "count",
				  count_to_json(histogram->at_most[i])));
	if (r == 0)
		return buckets;
	json_decref(buckets);
	return NULL;
}

/* As in decision_json.c: one check at the end is enough. */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static bool put_value(json_t *out, enum metric_kind kind,
		      const union metric_value *value)
{
	const struct histogram_snapshot *histogram = &value->histogram;
	bool ok = false;

	switch (kind) {
	case METRIC_COUNTER:
		return set(out, "value", count_to_json(value->counter));
	case METRIC_GAUGE:
		return set(out, "value", number_to_json(value->gauge));
	case METRIC_HISTOGRAM:
		ok = set(out, "count", count_to_json(histogram->count));
		ok &= set(out, "sum", number_to_json(histogram->sum_seconds));
		ok &= set(out, "buckets", buckets_to_json(histogram));
		break;
	}
	return ok;
}

static json_t *labels_to_json(const struct metric_label *labels, size_t n)
{
	json_t *out = json_object();
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		ok &= set(out, labels[i].name, json_string(labels[i].value));
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}

static json_t *value_to_json(const struct metric *metric,
			     const union metric_value *value)
{
	struct metric_label labels[METRIC_LABELS];
	size_t n = metric_labels(metric, labels);
	json_t *out = json_object();
	bool ok = true;

	if (n > 0)
		ok = set(out, "labels", labels_to_json(labels, n));
	ok &= put_value(out, metric->kind, value);
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}

/* The group that a metric belongs to: the last one, or a new one. */
static json_t *find_group(json_t *groups, const struct metric *metric)
{
	json_t *last = json_array_get(groups, json_array_size(groups) - 1);
	json_t *name = json_object_get(last, "name");

	if (name && strcmp(json_string_value(name), metric->name) == 0)
		return last;
	last = json_pack("{ss ss ss ss so}", "name", metric->name, "type",
			 metric_kind_name(metric->kind), "unit", metric->unit,
			 "help", metric->help, "values", json_array());
	return json_array_append_new(groups, last) == 0 ? last : NULL;
}

static int add_value(void *ctx, const struct metric *metric,
		     const union metric_value *value)
{
	json_t *group = find_group(ctx, metric);

	return json_array_append_new(json_object_get(group, "values"),
				     value_to_json(metric, value)) == 0
		       ? 0
		       : -ENOMEM;
}

json_t *metrics_to_json(struct metrics *metrics)
{
	json_t *groups = json_array();

	if (metrics_each(metrics, add_value, groups) == 0)
		return groups;
	json_decref(groups);
	return NULL;
}
