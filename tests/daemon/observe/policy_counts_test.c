/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/policy_counts.h"

#define S INT64_C(1000000)

static const struct network_policy web = { .namespace = "shop", .name = "web" };
static const struct network_policy db = { .namespace = "shop", .name = "db" };
/* L25: names side by side are no key. */
static const struct network_policy twin = { .namespace = "shopw",
					    .name = "eb" };

static void add(struct policy_counts *counts,
		const struct network_policy *policy, enum verdict verdict,
		int64_t now_us)
{
	const struct policy_verdict one = {
		.policy = policy,
		.mode = VERDICT_MODE_ENFORCE,
		.direction = DIRECTION_INGRESS,
		.verdict = verdict,
	};

	policy_counts_add(counts, &one, now_us);
}

/* A line for each series: "shop web enforce ingress deny 3". */
static int write_line(void *ctx, const struct metric *metric,
		      const union metric_value *value)
{
	struct metric_label labels[METRIC_LABELS];
	size_t n = metric_labels(metric, labels);
	FILE *out = ctx;

	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s ", labels[i].value);
	fprintf(out, "%llu\n", (unsigned long long)value->counter);
	return 0;
}

static void expect(const struct policy_counts *counts, const char *expected)
{
	const struct metric metric = { .name = "netpold_n_total" };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(0,
			 policy_counts_walk(counts, &metric, write_line, out));
	fclose(out);
	assert_string_equal(expected, text);
	free(text);
}

static void each_policy_is_counted_for_itself(void **state)
{
	struct policy_counts *counts = policy_counts_new(3);

	(void)state;
	expect(counts, "");
	add(counts, &web, VERDICT_ALLOW, 1 * S);
	add(counts, &db, VERDICT_DENY, 1 * S);
	add(counts, &twin, VERDICT_DENY, 1 * S);
	add(counts, &web, VERDICT_DENY, 2 * S);
	add(counts, &web, VERDICT_ALLOW, 3 * S);
	add(counts, NULL, VERDICT_DENY, 3 * S);
	expect(counts, "shop web enforce ingress allow 2\n"
		       "shop web enforce ingress deny 1\n"
		       "shop db enforce ingress deny 1\n"
		       "shopw eb enforce ingress deny 1\n"
		       "_other _other enforce ingress deny 1\n");
	policy_counts_free(counts);
}

static void who_finds_no_place_is_one_of_the_others(void **state)
{
	struct policy_counts *counts = policy_counts_new(1);

	(void)state;
	add(counts, &web, VERDICT_DENY, 1 * S);
	for (int i = 0; i < 1000; i++) {
		char name[16];
		const struct network_policy one = { .namespace = "n",
						    .name = name };

		snprintf(name, sizeof(name), "p%d", i);
		add(counts, &one, VERDICT_ALLOW, 2 * S);
	}
	add(counts, &web, VERDICT_DENY, 3 * S);
	expect(counts, "shop web enforce ingress deny 2\n"
		       "_other _other enforce ingress allow 1000\n");
	policy_counts_free(counts);
}

/* Names share buckets, and who gives up a place leaves the others there. */
static void many_are_counted_each_for_itself(void **state)
{
	enum { N = 50 };
	struct policy_counts *counts = policy_counts_new(N);
	int64_t hour_us = POLICY_COUNTS_SILENCE_US;
	struct network_policy one = { .namespace = "n" };
	char expected[N * 64] = "", name[16];

	(void)state;
	one.name = name;
	for (int round = 0; round < 3; round++) {
		expected[0] = '\0';
		for (int i = 0; i < N; i++) {
			snprintf(name, sizeof(name), "p%d", round * N + i);
			for (int k = 0; k <= i % 3; k++)
				add(counts, &one, VERDICT_DENY,
				    round * hour_us + i);
			snprintf(expected + strlen(expected),
				 sizeof(expected) - strlen(expected),
				 "n p%d enforce ingress deny %d\n",
				 round * N + i, i % 3 + 1);
		}
		expect(counts, expected);
	}
	policy_counts_free(counts);
}

static void who_is_silent_for_an_hour_gives_up_a_place(void **state)
{
	struct policy_counts *counts = policy_counts_new(2);
	int64_t hour_us = POLICY_COUNTS_SILENCE_US;

	(void)state;
	add(counts, &web, VERDICT_DENY, 0);
	add(counts, &db, VERDICT_DENY, 1 * S);
	add(counts, &twin, VERDICT_DENY, hour_us - 1);
	add(counts, &web, VERDICT_DENY, hour_us);
	add(counts, &twin, VERDICT_ALLOW, hour_us + 1 * S);
	expect(counts, "shop web enforce ingress deny 2\n"
		       "shopw eb enforce ingress allow 1\n"
		       "_other _other enforce ingress deny 1\n");
	policy_counts_free(counts);
}

static void names_may_be_as_long_as_names_are(void **state)
{
	struct policy_counts *counts = policy_counts_new(2);
	char namespace[64], name[254], expected[512];
	const struct network_policy longest = { .namespace = namespace,
						.name = name };

	(void)state;
	memset(namespace, 'a', sizeof(namespace) - 1);
	memset(name, 'b', sizeof(name) - 1);
	namespace[sizeof(namespace) - 1] = name[sizeof(name) - 1] = '\0';
	add(counts, &longest, VERDICT_ALLOW, 0);
	add(counts, &longest, VERDICT_ALLOW, 0);
	snprintf(expected, sizeof(expected), "%s %s enforce ingress allow 2\n",
		 namespace, name);
	expect(counts, expected);
	policy_counts_free(counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_policy_is_counted_for_itself),
		cmocka_unit_test(who_finds_no_place_is_one_of_the_others),
		cmocka_unit_test(many_are_counted_each_for_itself),
		cmocka_unit_test(who_is_silent_for_an_hour_gives_up_a_place),
		cmocka_unit_test(names_may_be_as_long_as_names_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
