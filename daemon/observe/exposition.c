/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name is told about once, and its values follow:
 *
 *	# HELP netpold_packets_total Packets received from the queue.
 *	# TYPE netpold_packets_total counter
 *	netpold_packets_total{worker="0"} 12
 *	netpold_packets_total{worker="1"} 7
 *
 * A histogram has a value for each bucket, which counts what the smaller ones
 * count, too:
 *
 *	netpold_compile_seconds_bucket{le="0.001"} 3
 *	netpold_compile_seconds_bucket{le="+Inf"} 4
 *	netpold_compile_seconds_sum 0.017
 *	netpold_compile_seconds_count 4
 */
#include "observe/exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
	FILE *out;
	const char *name; /* the one told about last */
};

/* Backslashes and ends of lines; quotes where the text stands in quotes. */
static void write_escaped(FILE *out, const char *text, const char *quote)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*p == '\\' || *p == *quote)
			fputc('\\', out);
		fputc(*p, out);
	}
}

static void write_label(FILE *out, const char *label, const char *value)
{
	fprintf(out, "%s=\"", label);
	write_escaped(out, value, "\"");
	fputc('"', out);
}

/* @le  the bound of a bucket; NULL: none */
static void write_series(FILE *out, const struct metric *metric,
			 const char *suffix, const char *le)
{
	struct metric_label labels[METRIC_LABELS + 1];
	size_t n = metric_labels(metric, labels);

	if (le)
		labels[n++] = (struct metric_label){ "le", le };
	fprintf(out, "%s%s", metric->name, suffix);
	for (size_t i = 0; i < n; i++) {
		fputc(i == 0 ? '{' : ',', out);
		write_label(out, labels[i].name, labels[i].value);
	}
	if (n > 0)
		fputc('}', out);
}

/* The shortest text that is read as the same number. */
#define NUMBER_LEN 32

static const char *format_number(double number, char text[NUMBER_LEN])
{
	if (isinf(number))
		return number > 0 ? "+Inf" : "-Inf";
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, NUMBER_LEN, "%.*g", digits, number);
		if (!(strtod(text, NULL) < number) &&
		    !(strtod(text, NULL) > number))
			break;
	}
	return text;
}

static void write_histogram(FILE *out, const struct metric *metric,
			    const struct histogram_snapshot *histogram)
{
	char number[NUMBER_LEN];

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		write_series(out, metric, "_bucket",
			     format_number(histogram->bounds[i], number));
		fprintf(out, " %" PRIu64 "\n", histogram->at_most[i]);
	}
	write_series(out, metric, "_bucket", "+Inf");
	fprintf(out, " %" PRIu64 "\n", histogram->count);
	write_series(out, metric, "_sum", NULL);
	fprintf(out, " %s\n", format_number(histogram->sum_seconds, number));
	write_series(out, metric, "_count", NULL);
	fprintf(out, " %" PRIu64 "\n", histogram->count);
}

static void write_head(FILE *out, const struct metric *metric)
{
	fprintf(out, "# HELP %s ", metric->name);
	write_escaped(out, metric->help, "");
	fprintf(out, "\n# TYPE %s %s\n", metric->name,
		metric_kind_name(metric->kind));
}

static int write_metric(void *ctx, const struct metric *metric,
			const union metric_value *value)
{
	struct text *text = ctx;
	char number[NUMBER_LEN];

	if (!text->name || strcmp(text->name, metric->name) != 0)
		write_head(text->out, metric);
	text->name = metric->name;
	switch (metric->kind) {
	case METRIC_COUNTER:
		write_series(text->out, metric, "", NULL);
		fprintf(text->out, " %" PRIu64 "\n", value->counter);
		break;
	case METRIC_GAUGE:
		write_series(text->out, metric, "", NULL);
		fprintf(text->out, " %s\n",
			format_number(value->gauge, number));
		break;
	case METRIC_HISTOGRAM:
		write_histogram(text->out, metric, &value->histogram);
		break;
	}
	return 0;
}

char *exposition_format(struct metrics *metrics, size_t *len)
{
	struct text text = { 0 };
	char *data = NULL;
	int failed;

	text.out = open_memstream(&data, len);
	if (!text.out)
		return NULL;
	metrics_each(metrics, write_metric, &text);
	failed = ferror(text.out);
	if (fclose(text.out) == 0 && !failed)
		return data;
	free(data);
	return NULL;
}
