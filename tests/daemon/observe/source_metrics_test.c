/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "observe/exposition.h"
#include "observe/source_metrics.h"

static struct kube_status source;
static struct source_metrics registered;
static struct metrics *metrics;
static char *text;

static int enter(void **state)
{
	(void)state;
	source = (struct kube_status){ .is_used = true };
	metrics = metrics_new();
	return source_metrics_register(&registered, &source, metrics);
}

static int leave(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	metrics_free(metrics);
	return 0;
}

static const char *told(void)
{
	size_t len;

	free(text);
	text = exposition_format(metrics, &len);
	assert_non_null(text);
	return text;
}

static void expect(const char *line)
{
	if (!strstr(told(), line))
		fail_msg("expected '%s', got:\n%s", line, text);
}

static void nothing_is_told_of_manifests(void **state)
{
	(void)state;
	source.is_used = false;
	source.resources[KUBE_PODS].n_objects = 1;
	assert_string_equal("", told());
}

static void each_number_has_its_name(void **state)
{
	static const char *const lines[] = {
		"netpold_source_synced{resource=\"pods\"} 1\n",
		"netpold_source_synced{resource=\"nodes\"} 0\n",
		"netpold_source_objects{resource=\"pods\"} 2\n",
		"netpold_source_unreadable_objects{resource=\"pods\"} 8\n",
		"netpold_source_lists_total{resource=\"pods\"} 3\n",
		"netpold_source_watches_total{resource=\"pods\"} 4\n",
		"netpold_source_events_total{resource=\"pods\"} 5\n",
		"netpold_source_failures_total{resource=\"pods\"} 6\n",
		"netpold_source_requests_total{resource=\"pods\"} 7\n",
		"netpold_source_requests_total{resource=\"namespaces\"} 0\n",
		"_source_requests_total{resource=\"networkpolicies\"} 0\n",
		"netpold_cluster_network_policies_ignored 0\n",
	};

	(void)state;
	source.resources[KUBE_PODS] = (struct kube_resource_status){
		.is_synced = true,
		.n_objects = 2,
		.n_lists = 3,
		.n_watches = 4,
		.n_events = 5,
		.n_failures = 6,
		.n_requests = 7,
		.n_unreadable = 8,
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect(lines[i]);
}

static double age(void)
{
	static const char name[] =
		"netpold_source_age_seconds{resource=\"pods\"} ";
	const char *found = strstr(told(), name);

	return found ? strtod(found + strlen(name), NULL) : -1;
}

/* API-28: how old what is in force may be, while the server is away. */
static void age_grows_until_the_server_says_something(void **state)
{
	int64_t now_us = clock_us();

	(void)state;
	assert_true(age() < 0); /* never heard of */
	source.resources[KUBE_PODS].heard_us = now_us - 90000000;
	assert_true(age() >= 90 && age() < 100);
	source.resources[KUBE_PODS].heard_us = clock_us();
	assert_true(age() >= 0 && age() < 10);
}

static void a_resource_that_is_not_served_alarms_nobody(void **state)
{
	static const char series[] = "{resource=\"clusternetworkpolicies\"}";

	(void)state;
	assert_null(strstr(told(), series));
	source.resources[KUBE_CLUSTER_POLICIES].is_served = true;
	source.resources[KUBE_CLUSTER_POLICIES].n_objects = 3;
	expect("netpold_source_synced{resource=\"clusternetworkpolicies\"} "
	       "0\n");
	expect("netpold_cluster_network_policies_ignored 3\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_told_of_manifests,
						enter, leave),
		cmocka_unit_test_setup_teardown(each_number_has_its_name, enter,
						leave),
		cmocka_unit_test_setup_teardown(
			age_grows_until_the_server_says_something, enter,
			leave),
		cmocka_unit_test_setup_teardown(
			a_resource_that_is_not_served_alarms_nobody, enter,
			leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
