/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "top/top_numbers.h"

#define S INT64_C(1000000)

/* @n  of everything, in each worker; latencies: @fast within 10 us, @slow
   within a millisecond, @slower beyond */
static struct top_sample sample_of(int64_t at_us, int n, int fast, int slow,
				   int slower)
{
	const struct top_sample sample = {
		.at_us = at_us,
		.metrics = json_pack(
			"[{ss s[{si}{si}]} {ss s[{si}]} {ss s[{si}]}"
			" {ss s[{si}]} {ss s[{si}]} {ss s[{si}]}"
			" {ss s[{s{ss} si}{s{ss} si}]}"
			" {ss s[{si s[{sf si}{sf si}]}]}]",
			"name", "netpold_packets_total", "values", "value", n,
			"value", n, "name", "netpold_packets_allowed_total",
			"values", "value", n, "name",
			"netpold_packets_passed_total", "values", "value", n,
			"name", "netpold_packets_denied_total", "values",
			"value", n, "name", "netpold_queue_waiting_packets",
			"values", "value", n, "name",
			"netpold_queue_capacity_packets", "values", "value",
			1024, "name", "netpold_kernel_cache_hits_total",
			"values", "labels", "verdict", "deny", "value", 10 * n,
			"labels", "verdict", "allow", "value", n, "name",
			"netpold_verdict_seconds", "values", "count",
			fast + slow + slower, "buckets", "le", 0.00001, "count",
			fast, "le", 0.001, "count", fast + slow),
		.flows = json_pack("{si si}", "lost", 3, "unnamed", 4),
	};

	assert_non_null(sample.metrics);
	assert_non_null(sample.flows);
	return sample;
}

static void rates_are_between_two_moments(void **state)
{
	struct top_sample before = sample_of(5 * S, 100, 1000, 0, 0);
	struct top_sample now = sample_of(7 * S, 150, 1090, 10, 0);
	struct top_numbers numbers;

	(void)state;
	top_numbers_read(&numbers, &before, &now);
	assert_true(fabs(numbers.judged - 50) < 1e-9);
	assert_true(fabs(numbers.allowed - 50) < 1e-9);
	assert_true(fabs(numbers.denied - 25) < 1e-9);
	assert_true(fabs(numbers.kernel_denied - 250) < 1e-9);
	assert_true(fabs(numbers.kernel_allowed - 25) < 1e-9);
	assert_true(numbers.waiting == 150 && numbers.capacity == 1024);
	assert_true(numbers.lost == 3 && numbers.unnamed == 4);
	/* Of the last hundred. */
	assert_true(numbers.median_s == 0.00001);
	assert_true(numbers.slow_s == 0.001);
	top_sample_release(&before);
	top_sample_release(&now);
}

static void of_one_moment_there_is_no_rate(void **state)
{
	struct top_sample now = sample_of(7 * S, 150, 10, 0, 0);
	struct top_numbers numbers;

	(void)state;
	top_numbers_read(&numbers, NULL, &now);
	assert_true(isnan(numbers.judged) && isnan(numbers.kernel_denied));
	assert_true(numbers.waiting == 150);
	assert_true(numbers.median_s == 0.00001);
	top_sample_release(&now);
}

static void a_restart_is_no_rate_below_zero(void **state)
{
	struct top_sample before = sample_of(5 * S, 100, 10, 0, 0);
	struct top_sample now = sample_of(7 * S, 50, 5, 0, 0);
	struct top_numbers numbers;

	(void)state;
	top_numbers_read(&numbers, &before, &now);
	assert_true(isnan(numbers.judged) && isnan(numbers.denied));
	assert_true(isnan(numbers.median_s));
	top_sample_release(&before);
	top_sample_release(&now);
}

static void what_takes_longer_than_all_bounds_is_endless(void **state)
{
	struct top_sample now = sample_of(7 * S, 150, 0, 10, 10);
	struct top_numbers numbers;

	(void)state;
	top_numbers_read(&numbers, NULL, &now);
	assert_true(numbers.median_s == 0.001);
	assert_true(isinf(numbers.slow_s));
	top_sample_release(&now);
}

static void who_tells_nothing_is_no_trouble(void **state)
{
	struct top_sample nothing = { .at_us = 0 };
	struct top_sample strange = {
		.at_us = S,
		.metrics = json_pack("[{ss si} {ss s[{si si}]}]", "name",
				     "netpold_packets_total", "values", 7,
				     "name", "netpold_verdict_seconds",
				     "values", "count", 7, "buckets", 7),
	};
	struct top_numbers numbers;

	(void)state;
	top_numbers_read(&numbers, &nothing, &strange);
	assert_true(isnan(numbers.judged) && isnan(numbers.waiting));
	top_numbers_read(&numbers, &strange, &nothing);
	assert_true(isnan(numbers.median_s) && isnan(numbers.lost));
	top_sample_release(&strange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_between_two_moments),
		cmocka_unit_test(of_one_moment_there_is_no_rate),
		cmocka_unit_test(a_restart_is_no_rate_below_zero),
		cmocka_unit_test(what_takes_longer_than_all_bounds_is_endless),
		cmocka_unit_test(who_tells_nothing_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
