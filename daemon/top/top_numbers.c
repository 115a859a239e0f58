/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top/top_numbers.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "command/told.h"

#define US_PER_S 1e6

/* A daemon tells of fewer. */
#define MAX_BUCKETS 64

/* ---- rates --------------------------------------------------------------- */

/* A counter that went back is that of another run. */
static double rate(double before, double now, double seconds)
{
	if (!(seconds > 0) || !(now >= before))
		return NAN;
	return (now - before) / seconds;
}

static double rate_of(const struct top_sample *before,
		      const struct top_sample *now, const char *name)
{
	if (!before)
		return NAN;
	return rate(told_sum(before->metrics, name),
		    told_sum(now->metrics, name),
		    (double)(now->at_us - before->at_us) / US_PER_S);
}

static double rate_of_verdict(const struct top_sample *before,
			      const struct top_sample *now, const char *name,
			      const char *verdict)
{
	if (!before)
		return NAN;
	return rate(told_value(before->metrics, name, "verdict", verdict),
		    told_value(now->metrics, name, "verdict", verdict),
		    (double)(now->at_us - before->at_us) / US_PER_S);
}

/* ---- how long ------------------------------------------------------------ */

/* What of a histogram was counted between two moments. */
struct latency {
	double bounds[MAX_BUCKETS], counts[MAX_BUCKETS]; /* at most so long */
	size_t n;
	double count; /* all */
};

static const json_t *latency_of(const json_t *metrics)
{
	const json_t *metric;
	size_t i;

	json_array_foreach(metrics, i, metric)
	{
		if (strcmp(told_text(metric, "name"),
			   "netpold_verdict_seconds") == 0)
			return json_array_get(json_object_get(metric, "values"),
					      0);
	}
	return NULL;
}

static double bucket_count(const json_t *histogram, size_t i)
{
	const json_t *buckets = json_object_get(histogram, "buckets");

	return told_number(json_array_get(buckets, i), "count");
}

/* Without a moment before, since the start. */
static void read_latency(struct latency *out, const json_t *before,
			 const json_t *now)
{
	const json_t *buckets = json_object_get(now, "buckets"), *bucket;
	size_t i;

	*out = (struct latency){ .count = told_number(now, "count") };
	if (before)
		out->count -= told_number(before, "count");
	json_array_foreach(buckets, i, bucket)
	{
		if (i == MAX_BUCKETS)
			break;
		out->bounds[i] = told_number(bucket, "le");
		out->counts[i] = told_number(bucket, "count");
		if (before)
			out->counts[i] -= bucket_count(before, i);
		out->n = i + 1;
	}
}

/* The bound that so many did not exceed; INFINITY: the last was. NAN where
   nothing was counted. */
static double quantile(const struct latency *latency, double part)
{
	if (!(latency->count > 0))
		return NAN;
	for (size_t i = 0; i < latency->n; i++)
		if (latency->counts[i] >= part * latency->count)
			return latency->bounds[i];
	return INFINITY;
}

/* ---- all of it ----------------------------------------------------------- */

static void read_rates(struct top_numbers *out, const struct top_sample *before,
		       const struct top_sample *now)
{
	static const char cache[] = "netpold_kernel_cache_hits_total";

	out->judged = rate_of(before, now, "netpold_packets_total");
	out->allowed = rate_of(before, now, "netpold_packets_allowed_total") +
		       rate_of(before, now, "netpold_packets_passed_total");
	out->denied = rate_of(before, now, "netpold_packets_denied_total");
	out->kernel_allowed = rate_of_verdict(before, now, cache, "allow");
	out->kernel_denied = rate_of_verdict(before, now, cache, "deny");
}

void top_numbers_read(struct top_numbers *out, const struct top_sample *before,
		      const struct top_sample *now)
{
	const json_t *metrics = now->metrics;
	struct latency latency;

	read_rates(out, before, now);
	out->waiting = told_sum(metrics, "netpold_queue_waiting_packets");
	out->capacity = told_sum(metrics, "netpold_queue_capacity_packets");
	read_latency(&latency, before ? latency_of(before->metrics) : NULL,
		     latency_of(metrics));
	out->median_s = quantile(&latency, 0.5);
	out->slow_s = quantile(&latency, 0.99);
	out->dropped =
		told_sum(metrics, "netpold_queue_dropped_packets_total") +
		told_sum(metrics, "netpold_queue_user_dropped_packets_total");
	out->overruns = told_sum(metrics, "netpold_queue_overruns_total");
	out->copies_lost = told_sum(metrics, "netpold_copies_lost_total");
	out->lost = told_number(now->flows, "lost");
	out->unnamed = told_number(now->flows, "unnamed");
}
