/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/workload.h"

static const struct {
	const char *name;
	const char *pod, *owner_kind, *owner_name;
	const char *hash;     /* label pod-template-hash, or NULL */
	const char *expected; /* "KIND NAME" */
} cases[] = {
	{ "a pod without an owner is itself", "tool", "", "", NULL,
	  "Pod tool" },
	{ "a ReplicaSet is its Deployment", "web-7d4b9c6f5d-x2f8k",
	  "ReplicaSet", "web-7d4b9c6f5d", "7d4b9c6f5d", "Deployment web" },
	{ "whatever the hash looks like", "web-AAA-1", "ReplicaSet", "web-AAA",
	  "AAA", "Deployment web" },
	{ "only the end is cut", "a-b-cdfgh-1", "ReplicaSet", "a-b-cdfgh",
	  "cdfgh", "Deployment a-b" },
	{ "without the label the end is known by its letters",
	  "web-7d4b9c6f5d-x", "ReplicaSet", "web-7d4b9c6f5d", NULL,
	  "ReplicaSet web" },
	{ "and a word is no hash", "web-blue-1", "ReplicaSet", "web-blue", NULL,
	  "ReplicaSet web-blue" },
	{ "nor is another label's value", "web-blue-1", "ReplicaSet",
	  "web-blue", "green", "ReplicaSet web-blue" },
	{ "a hash alone is no name", "7d4b9c6f5d-1", "ReplicaSet", "7d4b9c6f5d",
	  "7d4b9c6f5d", "ReplicaSet 7d4b9c6f5d" },
	{ "a Job of a CronJob is the CronJob", "backup-28391220-abcde", "Job",
	  "backup-28391220", NULL, "CronJob backup" },
	{ "a Job by itself is a Job", "migrate-7-abcde", "Job", "migrate-7",
	  NULL, "Job migrate-7" },
	{ "a StatefulSet keeps its name", "db-0", "StatefulSet", "db-12345678",
	  NULL, "StatefulSet db-12345678" },
	{ "a static pod is named without its node", "etcd-node7", "Node",
	  "node7", NULL, "Pod etcd" },
	{ "also where it is called otherwise", "etcd", "Node", "node7", NULL,
	  "Pod etcd" },
	{ "the owner may be of any kind", "x-1", "Rollout", "x", NULL,
	  "Rollout x" },
};

static struct workload look(size_t i, struct label *label)
{
	struct pod pod = {
		.namespace = "shop",
		.name = cases[i].pod,
		.owner_kind = cases[i].owner_kind,
		.owner_name = cases[i].owner_name,
	};

	if (cases[i].hash) {
		*label = (struct label){ "pod-template-hash", cases[i].hash };
		pod.labels = (struct labels){ label, 1 };
	}
	return workload_of(&pod);
}

static void pods_are_named_by_what_they_belong_to(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct label label;
		struct workload w = look(i, &label);
		char got[64];

		snprintf(got, sizeof(got), "%s %.*s", w.kind, (int)w.name_len,
			 w.name);
		if (strcmp(got, cases[i].expected) == 0)
			continue;
		print_error("%s: expected %s, got %s\n", cases[i].name,
			    cases[i].expected, got);
		n_wrong++;
	}
	assert_int_equal(0, n_wrong);
}

static void only_an_owner_makes_pods_one(void **state)
{
	struct label label;
	struct workload tool = look(0, &label), web = look(1, &label);

	(void)state;
	assert_true(tool.is_pod);
	assert_false(web.is_pod);
}

static void workloads_are_in_order(void **state)
{
	const struct workload a = { "ns", "Deployment", "web-x", 3, false };
	const struct workload b = { "ns", "Deployment", "web", 3, false };
	const struct workload c = { "ns", "StatefulSet", "web", 3, false };
	const struct workload d = { "ns", "Deployment", "web-x", 5, false };

	(void)state;
	assert_int_equal(0, workload_compare(&a, &b));
	assert_true(workload_compare(&b, &c) < 0);
	assert_true(workload_compare(&b, &d) < 0);
	assert_true(workload_compare(&d, &b) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_are_named_by_what_they_belong_to),
		cmocka_unit_test(only_an_owner_makes_pods_one),
		cmocka_unit_test(workloads_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
