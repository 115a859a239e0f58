/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether real metrics keep to the format is seen in tests/e2e/health_test.py,
   by a parser of its own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/exposition.h"

static uint64_t read_count(const void *ctx)
{
	return *(const uint64_t *)ctx;
}

static double read_gauge(const void *ctx)
{
	return *(const double *)ctx;
}

static void add(struct metrics *metrics, struct metric metric,
		const char *label, const char *label_value)
{
	metric.unit = "things";
	metric.label = label;
	if (label)
		snprintf(metric.label_value, METRIC_LABEL_LEN, "%s",
			 label_value);
	assert_int_equal(0, metrics_add(metrics, &metric));
}

static void expect(struct metrics *metrics, const char *expected)
{
	size_t len = 0;
	char *text = exposition_format(metrics, &len);

	assert_non_null(text);
	assert_string_equal(expected, text);
	assert_int_equal(strlen(expected), len);
	free(text);
	metrics_free(metrics);
}

static void a_name_is_told_about_once(void **state)
{
	static const uint64_t counts[] = { 12, UINT64_MAX - 1, 7 };
	static const double gauge = 1;
	const struct metric packets = { .name = "netpold_packets_total",
					.help = "Packets.",
					.read.counter = read_count,
					.ctx = &counts[0] };
	struct metric more = packets;
	struct metrics *metrics = metrics_new();

	(void)state;
	add(metrics, packets, "worker", "0");
	add(metrics,
	    (struct metric){ .name = "netpold_ready",
			     .help = "Ready.",
			     .kind = METRIC_GAUGE,
			     .read.gauge = read_gauge,
			     .ctx = &gauge },
	    NULL, NULL);
	more.ctx = &counts[1];
	add(metrics, more, "worker", "1");
	expect(metrics, "# HELP netpold_packets_total Packets.\n"
			"# TYPE netpold_packets_total counter\n"
			"netpold_packets_total{worker=\"0\"} 12\n"
			"netpold_packets_total{worker=\"1\"} "
			"18446744073709551614\n"
			"# HELP netpold_ready Ready.\n"
			"# TYPE netpold_ready gauge\n"
			"netpold_ready 1\n");
}

static void what_nobody_knows_is_left_out(void **state)
{
	static const uint64_t unknown = METRIC_UNKNOWN;
	static const double nan = NAN;
	struct metrics *metrics = metrics_new();

	(void)state;
	add(metrics,
	    (struct metric){ .name = "netpold_packets_total",
			     .help = "Packets.",
			     .read.counter = read_count,
			     .ctx = &unknown },
	    NULL, NULL);
	add(metrics,
	    (struct metric){ .name = "netpold_age_seconds",
			     .help = "Age.",
			     .kind = METRIC_GAUGE,
			     .read.gauge = read_gauge,
			     .ctx = &nan },
	    NULL, NULL);
	expect(metrics, "");
}

static void what_means_something_to_a_parser_is_escaped(void **state)
{
	static const double gauge = 0;
	struct metrics *metrics = metrics_new();

	(void)state;
	add(metrics,
	    (struct metric){ .name = "netpold_info",
			     .help = "A \"help\",\nwith a \\.",
			     .kind = METRIC_GAUGE,
			     .read.gauge = read_gauge,
			     .ctx = &gauge },
	    "name", "a \"b\"\n\\c");
	expect(metrics, "# HELP netpold_info A \"help\",\\nwith a \\\\.\n"
			"# TYPE netpold_info gauge\n"
			"netpold_info{name=\"a \\\"b\\\"\\n\\\\c\"} 0\n");
}

static void labels_are_told_in_their_order(void **state)
{
	static const struct metric_label more[] = { { "b", "\"" },
						    { "c", "" } };
	static struct histogram histogram;
	static const double gauge = 2;
	struct metrics *metrics = metrics_new();
	const char *in_buckets =
		"h_seconds_bucket{b=\"\\\"\",c=\"\",le=\"1\"} 0";
	size_t len;
	char *text;

	(void)state;
	add(metrics,
	    (struct metric){ .name = "netpold_g",
			     .help = "G.",
			     .kind = METRIC_GAUGE,
			     .more = more,
			     .n_more = 2,
			     .read.gauge = read_gauge,
			     .ctx = &gauge },
	    "a", "x");
	add(metrics,
	    (struct metric){ .name = "netpold_h_seconds",
			     .help = "H.",
			     .kind = METRIC_HISTOGRAM,
			     .more = more,
			     .n_more = 2,
			     .ctx = &histogram },
	    NULL, NULL);
	text = exposition_format(metrics, &len);
	assert_non_null(
		strstr(text, "netpold_g{a=\"x\",b=\"\\\"\",c=\"\"} 2\n"));
	assert_non_null(strstr(text, in_buckets));
	free(text);
	metrics_free(metrics);
}

static const struct {
	double number;
	const char *text;
} numbers[] = {
	{ 0, "0" },
	{ -1, "-1" },
	{ 0.1, "0.1" },
	{ 1e15, "1e+15" },
	{ 123456789012345, "123456789012345" },
	{ 1709210096.789123, "1709210096.789123" },
	{ INFINITY, "+Inf" },
	{ -INFINITY, "-Inf" },
	{ 5e-324, "4.94065645841247e-324" },
	{ 0.30000000000000004, "0.30000000000000004" },
};

static void a_number_is_read_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct metrics *metrics = metrics_new();
		char expected[128];

		add(metrics,
		    (struct metric){ .name = "netpold_g",
				     .help = "G.",
				     .kind = METRIC_GAUGE,
				     .read.gauge = read_gauge,
				     .ctx = &numbers[i].number },
		    NULL, NULL);
		snprintf(expected, sizeof(expected),
			 "# HELP netpold_g G.\n# TYPE netpold_g gauge\n"
			 "netpold_g %s\n",
			 numbers[i].text);
		expect(metrics, expected);
	}
}

static void a_histogram_counts_what_smaller_buckets_do(void **state)
{
	static struct histogram histogram;
	struct metrics *metrics = metrics_new();
	size_t len;
	char *text;

	(void)state;
	histogram_observe(&histogram, 0);
	histogram_observe(&histogram, 250);
	histogram_observe(&histogram, INT64_C(3600) * 1000000);
	add(metrics,
	    (struct metric){ .name = "netpold_compile_seconds",
			     .help = "Time.",
			     .kind = METRIC_HISTOGRAM,
			     .ctx = &histogram },
	    "part", "a");
	text = exposition_format(metrics, &len);
	assert_non_null(
		strstr(text, "# TYPE netpold_compile_seconds histogram\n"));
	assert_non_null(strstr(
		text, "netpold_compile_seconds_bucket{part=\"a\",le=\"0.01\"} "
		      "2\n"));
	assert_non_null(strstr(
		text, "netpold_compile_seconds_bucket{part=\"a\",le=\"+Inf\"} "
		      "3\nnetpold_compile_seconds_sum{part=\"a\"} "
		      "3600.00025\nnetpold_compile_seconds_count{part=\"a\"} "
		      "3\n"));
	free(text);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_told_about_once),
		cmocka_unit_test(what_nobody_knows_is_left_out),
		cmocka_unit_test(what_means_something_to_a_parser_is_escaped),
		cmocka_unit_test(labels_are_told_in_their_order),
		cmocka_unit_test(a_number_is_read_as_it_was),
		cmocka_unit_test(a_histogram_counts_what_smaller_buckets_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
