/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/metrics.h"

static uint64_t read_count(const void *ctx)
{
	return *(const uint64_t *)ctx;
}

static double read_gauge(const void *ctx)
{
	return *(const double *)ctx;
}

static void add_counter(struct metrics *metrics, const char *name,
			const char *worker, const uint64_t *count)
{
	struct metric metric = {
		.name = name,
		.unit = "packets",
		.help = "Packets.",
		.read.counter = read_count,
		.ctx = count,
	};

	if (worker) {
		metric.label = "worker";
		strcpy(metric.label_value, worker);
	}
	assert_int_equal(0, metrics_add(metrics, &metric));
}

static void add_gauge(struct metrics *metrics, const double *gauge)
{
	const struct metric metric = {
		.name = "netpold_memory_bytes",
		.unit = "bytes",
		.help = "Memory.",
		.kind = METRIC_GAUGE,
		.read.gauge = read_gauge,
		.ctx = gauge,
	};

	assert_int_equal(0, metrics_add(metrics, &metric));
}

static void expect_json(struct metrics *metrics, const char *expected)
{
	json_t *json = metrics_to_json(metrics);
	char *text = json_dumps(json, JSON_COMPACT);

	assert_string_equal(expected, text);
	free(text);
	json_decref(json);
}

static void those_of_one_name_are_told_together(void **state)
{
	const uint64_t a0 = 1, a1 = 2, b0 = 3, b1 = 4;
	struct metrics *metrics = metrics_new();

	(void)state;
	add_counter(metrics, "netpold_a_total", "0", &a0);
	add_counter(metrics, "netpold_b_total", "0", &b0);
	add_counter(metrics, "netpold_a_total", "1", &a1);
	add_counter(metrics, "netpold_b_total", "1", &b1);
	expect_json(metrics,
		    "[{\"name\":\"netpold_a_total\",\"type\":\"counter\","
		    "\"unit\":\"packets\",\"help\":\"Packets.\",\"values\":["
		    "{\"labels\":{\"worker\":\"0\"},\"value\":1},"
		    "{\"labels\":{\"worker\":\"1\"},\"value\":2}]},"
		    "{\"name\":\"netpold_b_total\",\"type\":\"counter\","
		    "\"unit\":\"packets\",\"help\":\"Packets.\",\"values\":["
		    "{\"labels\":{\"worker\":\"0\"},\"value\":3},"
		    "{\"labels\":{\"worker\":\"1\"},\"value\":4}]}]");
	metrics_free(metrics);
}

static void what_is_read_is_the_number_of_now(void **state)
{
	struct metrics *metrics = metrics_new();
	double memory = 4096;

	(void)state;
	add_gauge(metrics, &memory);
	memory = 12288;
	expect_json(metrics, "[{\"name\":\"netpold_memory_bytes\","
			     "\"type\":\"gauge\",\"unit\":\"bytes\","
			     "\"help\":\"Memory.\","
			     "\"values\":[{\"value\":12288}]}]");
	memory = 0.5;
	expect_json(metrics, "[{\"name\":\"netpold_memory_bytes\","
			     "\"type\":\"gauge\",\"unit\":\"bytes\","
			     "\"help\":\"Memory.\","
			     "\"values\":[{\"value\":0.5}]}]");
	metrics_free(metrics);
}

static void what_nobody_knows_is_left_out(void **state)
{
	const uint64_t unknown = METRIC_UNKNOWN, known = 7;
	struct metrics *metrics = metrics_new();
	const double nothing = NAN;

	(void)state;
	expect_json(metrics, "[]");
	add_gauge(metrics, &nothing);
	add_counter(metrics, "netpold_a_total", "0", &unknown);
	expect_json(metrics, "[]");
	add_counter(metrics, "netpold_a_total", "1", &known);
	expect_json(metrics,
		    "[{\"name\":\"netpold_a_total\",\"type\":\"counter\","
		    "\"unit\":\"packets\",\"help\":\"Packets.\",\"values\":["
		    "{\"labels\":{\"worker\":\"1\"},\"value\":7}]}]");
	metrics_free(metrics);
}

static void count_up(void *ctx)
{
	*(uint64_t *)ctx += 10;
}

static int take_counter(void *ctx, const struct metric *metric,
			const union metric_value *value)
{
	(void)metric;
	*(uint64_t *)ctx = value->counter;
	return 0;
}

static void collectors_come_before_the_reading(void **state)
{
	struct metrics *metrics = metrics_new();
	uint64_t count = 0, read = 0;

	(void)state;
	assert_int_equal(0, metrics_add_collector(metrics, count_up, &count));
	add_counter(metrics, "netpold_a_total", NULL, &count);
	assert_int_equal(0, metrics_each(metrics, take_counter, &read));
	assert_int_equal(10, read);
	metrics_collect(metrics);
	assert_int_equal(0, metrics_each(metrics, take_counter, &read));
	assert_int_equal(30, read);
	metrics_free(metrics);
}

/* Two series, of which one ends the walk. */
static int walk(const void *ctx, const struct metric *metric, metrics_fn each,
		void *each_ctx)
{
	const struct metric_label labels[] = { { "name", "a" },
					       { "verdict", "deny" } };
	const union metric_value value = { .counter = *(const uint64_t *)ctx };
	struct metric series = *metric;
	int r;

	series.more = labels;
	series.n_more = 1;
	r = each(each_ctx, &series, &value);
	series.n_more = 2;
	return r < 0 ? r : each(each_ctx, &series, &value);
}

static int stop_at_once(void *ctx, const struct metric *metric,
			const union metric_value *value)
{
	(void)metric;
	(void)value;
	++*(int *)ctx;
	return -1;
}

static void what_comes_and_goes_is_told_by_walking(void **state)
{
	static const uint64_t count = 3;
	const struct metric metric = {
		.name = "netpold_a_total",
		.unit = "packets",
		.help = "Packets.",
		.walk = walk,
		.ctx = &count,
	};
	struct metrics *metrics = metrics_new();
	int n_told = 0;

	(void)state;
	assert_int_equal(0, metrics_add(metrics, &metric));
	expect_json(metrics,
		    "[{\"name\":\"netpold_a_total\",\"type\":\"counter\","
		    "\"unit\":\"packets\",\"help\":\"Packets.\",\"values\":["
		    "{\"labels\":{\"name\":\"a\"},\"value\":3},"
		    "{\"labels\":{\"name\":\"a\",\"verdict\":\"deny\"},"
		    "\"value\":3}]}]");
	assert_int_equal(-1, metrics_each(metrics, stop_at_once, &n_told));
	assert_int_equal(1, n_told);
	metrics_free(metrics);
}

/* ---- histograms --------------------------------------------------------- */

static void many_may_take_as_long(void **state)
{
	static struct histogram first = { .bounds = histogram_fine_bounds };
	static struct histogram second = { .bounds = histogram_fine_bounds };
	struct histogram_snapshot sum = { .count = 0 };

	(void)state;
	histogram_observe_many(&first, 3, 30);
	histogram_observe(&first, 2);
	histogram_observe_many(&second, 2000000, 5);
	histogram_add(&sum, &first);
	histogram_add(&sum, &second);
	assert_ptr_equal(histogram_fine_bounds, sum.bounds);
	assert_int_equal(1, sum.at_most[0]);  /* 2.5 us */
	assert_int_equal(31, sum.at_most[1]); /* 5 us */
	assert_int_equal(31, sum.at_most[HISTOGRAM_BUCKETS - 1]);
	assert_int_equal(36, sum.count);
	assert_true(fabs(sum.sum_seconds - 10.000092) < 1e-9);
}

static void durations_fall_into_their_buckets(void **state)
{
	static struct histogram histogram;
	struct histogram_snapshot got;

	(void)state;
	histogram_observe(&histogram, -5); /* as long as nothing */
	histogram_observe(&histogram, 100);
	histogram_observe(&histogram, 101);
	histogram_observe(&histogram, 2500000);
	histogram_observe(&histogram, 2500001);
	histogram_read(&histogram, &got);
	assert_int_equal(2, got.at_most[0]); /* 100 us */
	assert_int_equal(3, got.at_most[1]); /* 250 us */
	assert_int_equal(3, got.at_most[HISTOGRAM_BUCKETS - 2]);
	assert_int_equal(4, got.at_most[HISTOGRAM_BUCKETS - 1]); /* 2.5 s */
	assert_int_equal(5, got.count);
	assert_true(fabs(got.sum_seconds - 5.000202) < 1e-9);
}

static void a_histogram_is_told_as_prometheus_does(void **state)
{
	static struct histogram histogram;
	struct metrics *metrics = metrics_new();
	const struct metric metric = {
		.name = "netpold_change_seconds",
		.unit = "seconds",
		.help = "Time.",
		.kind = METRIC_HISTOGRAM,
		.ctx = &histogram,
	};
	const char *name, *type;
	json_int_t count, first;
	json_t *json;
	double le, sum;

	(void)state;
	histogram_observe(&histogram, 50);
	histogram_observe(&histogram, 1500000);
	assert_int_equal(0, metrics_add(metrics, &metric));
	json = metrics_to_json(metrics);
	assert_int_equal(0, json_unpack(json, "[{ss ss s[{sI sF s[{sF sI}]}]}]",
					"name", &name, "type", &type, "values",
					"count", &count, "sum", &sum, "buckets",
					"le", &le, "count", &first));
	assert_string_equal("histogram", type);
	assert_int_equal(2, count);
	assert_int_equal(1, first);
	assert_true(le == 0.0001 && sum > 1.50004 && sum < 1.50006);
	json_decref(json);
	metrics_free(metrics);
}

#define N_OBSERVED 100000

static void *observe(void *ctx)
{
	for (int i = 0; i < N_OBSERVED; i++)
		histogram_observe(ctx, i % 5000);
	return NULL;
}

/* ThreadSanitizer has a look at this, too. */
static void readers_do_not_disturb_the_writer(void **state)
{
	static struct histogram histogram;
	struct histogram_snapshot got = { .count = 0 };
	pthread_t writer;
	uint64_t last;

	(void)state;
	assert_int_equal(0, pthread_create(&writer, NULL, observe, &histogram));
	do {
		last = got.count;
		histogram_read(&histogram, &got);
		assert_true(got.count >= last);
		for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++)
			assert_true(got.at_most[i] >= got.at_most[i - 1]);
	} while (got.count < N_OBSERVED);
	pthread_join(writer, NULL);
	assert_int_equal(N_OBSERVED, got.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_one_name_are_told_together),
		cmocka_unit_test(what_is_read_is_the_number_of_now),
		cmocka_unit_test(what_nobody_knows_is_left_out),
		cmocka_unit_test(collectors_come_before_the_reading),
		cmocka_unit_test(what_comes_and_goes_is_told_by_walking),
		cmocka_unit_test(many_may_take_as_long),
		cmocka_unit_test(durations_fall_into_their_buckets),
		cmocka_unit_test(a_histogram_is_told_as_prometheus_does),
		cmocka_unit_test(readers_do_not_disturb_the_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
