/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes and goes leaves nothing behind. The accounts are the same after
 * any number of rounds of the same changes, and so is what malloc() has given
 * out, whatever the accounts may have forgotten.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler_build.h"
#include "effort.h"

/* ---- accounts ----------------------------------------------------------- */

/* Names are new in each round, and as long as in any other. */
static const char *numbered(const char *stem, size_t round)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%08zu", stem, round);
	return arena_strdup(&build_arena, text);
}

static const char *short_numbered(const char *stem, size_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%zu", stem, n);
	return arena_strdup(&build_arena, text);
}

/* A policy for the pods of a round: peers of all kinds, more than a node has
   room for, so that they are united; names and ranges of ports. */
static struct object churned_policy(const char *namespace, size_t round)
{
	const char *v = numbered("v", round);
	struct object policy =
		a_policy(namespace, numbered("p", round),
			 numbered("app=v", round), DIRECTION_INGRESS);
	struct rule rules[12] = {
		on_named_port(a_pod_rule(numbered("team=t", round), NULL),
			      PROTOCOL_TCP, "http"),
		on_ports(a_block_rule("10.0.0.0/8", "10.1.0.0/16"),
			 PROTOCOL_UDP, (uint16_t)(round % 60000), 65535),
	};

	for (size_t i = 2; i < N_OF(rules); i++) {
		char text[64];

		snprintf(text, sizeof(text), "app=%s,x=%zu", v, i);
		rules[i] = a_pod_rule(NULL, arena_strdup(&build_arena, text));
	}
	for (size_t i = 0; i < N_OF(rules); i++)
		policy = with_rule(policy, DIRECTION_INGRESS, rules[i]);
	policy.policy.isolates[DIRECTION_EGRESS] = true;
	return policy;
}

static struct object churned_pod(const char *namespace, size_t round, size_t i)
{
	char address[64];

	snprintf(address, sizeof(address), "10.%zu.%zu.%zu,fd00::%zx:%zx", i,
		 round / 200 % 200, round % 200, i, round % 40000);
	return with_port(a_pod(namespace, numbered(i ? "b" : "a", round),
			       numbered("app=v", round), address),
			 "http", PROTOCOL_TCP, 80);
}

/* A workload in a namespace of its own and in one that stays. */
static void come(size_t round)
{
	const char *ns = numbered("ns", round);
	char labels[96];

	snprintf(labels, sizeof(labels),
		 "kubernetes.io/metadata.name=%s,team=t%08zu", ns, round);
	put(a_namespace(ns, labels));
	put(churned_policy("shop", round));
	put(churned_policy(ns, round));
	put(churned_pod("shop", round, 0));
	put(churned_pod(ns, round, 1));
	put(a_node(numbered("node", round), "192.0.2.1"));
}

static void change(size_t round)
{
	const char *ns = numbered("ns", round);
	struct object pod = churned_pod(ns, round, 1);

	put(a_namespace(ns, "kubernetes.io/metadata.name=x,team=y"));
	pod.pod.labels = some_labels(numbered("app=w", round));
	put(pod);
	put(a_policy("shop", numbered("p", round), "", DIRECTION_EGRESS));
}

/* A namespace without pods, and one with a policy only. */
static void pass_by(size_t round)
{
	const char *empty = numbered("empty", round);
	const char *only = numbered("only", round);

	put(a_namespace(empty, ""));
	put(a_namespace(only, ""));
	put(a_policy(only, "p", "", DIRECTION_INGRESS));
	compile();
	del(a_policy(only, "p", "", DIRECTION_INGRESS));
	del(a_namespace(only, ""));
	del(a_namespace(empty, ""));
}

static void go(size_t round)
{
	const char *ns = numbered("ns", round);

	del(churned_pod("shop", round, 0));
	del(churned_pod(ns, round, 1));
	del(churned_policy("shop", round));
	del(churned_policy(ns, round));
	del(a_namespace(ns, ""));
	del(a_node(numbered("node", round), ""));
}

#define N_OLDER 3
static struct snapshot *older[N_OLDER];

/* The oldest one makes room, so that some are always in use. */
static void keep_older(size_t round)
{
	snapshot_free(older[round % N_OLDER]);
	older[round % N_OLDER] = snapshot;
	snapshot = NULL;
}

static void churn(size_t first, size_t end)
{
	for (size_t round = first; round < end; round++) {
		come(round);
		if (round >= 2)
			change(round - 2);
		if (round >= 5)
			go(round - 5);
		compile();
		pass_by(round);
		keep_older(round);
		now_ms += 10000;
		arena_clear(&build_arena);
	}
}

static void expect_same(const char *what, size_t before, size_t after)
{
	if (before != after)
		fail_msg("%s: %zu bytes first, %zu ten times later", what,
			 before, after);
}

static void accounts_do_not_grow_with_what_has_gone(void **state)
{
	const size_t n = PLAIN_OR_SANITIZED(3000, 1000);
	struct cluster_memory strings[2];
	struct compiler_memory bytes[2];

	(void)state;
	put(a_namespace("shop", "kubernetes.io/metadata.name=shop"));
	put(a_pod("shop", "stays", "app=stays", "10.200.0.1"));
	churn(0, n);
	bytes[0] = compiler_memory(compiler);
	strings[0] = cluster_memory(cluster);
	churn(n, 10 * n);
	bytes[1] = compiler_memory(compiler);
	strings[1] = cluster_memory(cluster);
	print_message("# %zu and %zu bytes\n",
		      bytes[1].addresses + bytes[1].identities +
			      bytes[1].peers + bytes[1].rules + bytes[1].index,
		      strings[1].bytes);
	expect_same("addresses", bytes[0].addresses, bytes[1].addresses);
	expect_same("identities", bytes[0].identities, bytes[1].identities);
	expect_same("peers", bytes[0].peers, bytes[1].peers);
	expect_same("rules", bytes[0].rules, bytes[1].rules);
	expect_same("index", bytes[0].index, bytes[1].index);
	expect_same("objects", strings[0].bytes, strings[1].bytes);
	assert_int_equal(strings[0].strings, strings[1].strings);
	assert_int_equal(strings[0].lists, strings[1].lists);
	for (size_t i = 0; i < N_OLDER; i++) {
		snapshot_free(older[i]);
		older[i] = NULL;
	}
}

/* ---- what malloc() says ------------------------------------------------- */

#define N_PODS 500
#define N_SAMPLES 100

/* The least-squares line through samples: bytes for each update. */
static double slope_of(const double *y, size_t n, double step)
{
	double x_mean = (double)(n - 1) / 2, y_mean = 0, xy = 0, xx = 0;

	for (size_t i = 0; i < n; i++)
		y_mean += y[i] / (double)n;
	for (size_t i = 0; i < n; i++) {
		double dx = (double)i - x_mean;

		xy += dx * (y[i] - y_mean);
		xx += dx * dx;
	}
	return xy / xx / step;
}

/* Pods made once, so that a loop is the cluster's and the compiler's work. */
static void make_pods(struct object *pods, size_t n_labels)
{
	for (size_t i = 0; i < N_PODS * n_labels; i++) {
		size_t pod = i % N_PODS, v = i / N_PODS;
		char labels[32], address[32];

		snprintf(labels, sizeof(labels), "app=a%zu,v=%zu", pod % 20, v);
		snprintf(address, sizeof(address), "10.0.%zu.%zu", pod / 200,
			 pod % 200 + 1);
		pods[i] = a_pod("shop", numbered("p", pod),
				arena_strdup(&build_arena, labels), address);
	}
}

static void a_million_updates_leave_nothing_behind(void **state)
{
	const size_t n_updates = PLAIN_OR_SANITIZED(1000000, 20000);
	const size_t n_labels = 4, per_sample = n_updates / N_SAMPLES;
	struct object *pods =
		arena_array(&build_arena, N_PODS * n_labels, sizeof(*pods));
	double samples[N_SAMPLES], slope;

	(void)state;
	make_pods(pods, n_labels);
	for (size_t i = 0; i < 20; i++)
		put(with_rule(a_policy("shop", short_numbered("policy", i),
				       short_numbered("v=", i % n_labels),
				       DIRECTION_INGRESS),
			      DIRECTION_INGRESS,
			      a_pod_rule(NULL, short_numbered("app=a", i))));
	for (size_t i = 0; i < N_SAMPLES; i++) {
		for (size_t k = 0; k < per_sample; k++) {
			size_t n = i * per_sample + k;

			/* Each pod gets other labels, or goes, in its turn. */
			if (n / N_PODS % 5 == 4)
				del(pods[n % N_PODS]);
			else
				put(pods[n % N_PODS +
					 N_PODS * (n / N_PODS % 5)]);
			if (n % 4 == 0)
				compile();
		}
		samples[i] = (double)mallinfo2().uordblks;
	}
	/* The first tenth fills what is kept for good. */
	slope = slope_of(samples + N_SAMPLES / 10, N_SAMPLES - N_SAMPLES / 10,
			 (double)per_sample);
	print_message("# %.0f bytes in use, %+.6f for each update\n",
		      samples[N_SAMPLES - 1], slope);
	assert_true(slope < 0.002 && slope > -0.002);
	/* Else it was no work. */
	assert_true(compiler_memory(compiler).rules > 4000);
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, begin_following, end_following)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(accounts_do_not_grow_with_what_has_gone),
		TEST(a_million_updates_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
