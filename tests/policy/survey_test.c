/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a survey answers is in advice_test.c, told as advice. Here it is about
 * how much it may cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "object_build.h"
#include "survey.h"

#define MANY 50
#define PLENTY UINT64_MAX

static const char *many_values[MANY];

static void put(struct cluster *cluster, struct object object)
{
	assert_true(cluster_put(cluster, &object, 0) >= 0);
}

/* Whatever is asked for, these lack it: the label, the name of the port. */
static struct cluster *make_cluster(void)
{
	struct cluster *cluster = cluster_new();

	for (int i = 0; i < MANY; i++) {
		char *name = arena_alloc(&build_arena, 8);
		struct object pod = a_pod("shop", name, "app=web", "");

		snprintf(name, 8, "x%d", i);
		many_values[i] = name;
		for (int k = 0; k < MANY; k++)
			pod = with_port(pod, "some", PROTOCOL_TCP, 80);
		put(cluster, pod);
		put(cluster, a_namespace(name, "app=web"));
	}
	put(cluster, a_pod("kube-system", "dns", "", ""));
	put(cluster, a_namespace("shop", "app=web"));
	put(cluster, a_policy("shop", "p", "", DIRECTION_INGRESS));
	return cluster;
}

/* A question to which the answer is a reason to complain, and which takes
   MANY * MANY comparisons. */
struct question {
	const char *name;
	bool (*complains)(struct survey *survey);
};

static const struct requirement in_many = { "app", SELECTOR_IN, many_values,
					    MANY };
static const struct selector nothing = { &in_many, 1 };
static const struct network_policy all_pods = { .namespace = "shop",
						.name = "p" };
static const struct rule everybody = { 0 };
static const struct policy_port no_such_port = { .kind = PORT_NAMED,
						 .protocol = PROTOCOL_TCP,
						 .name = "none" };

static bool selects_nothing(struct survey *survey)
{
	const struct network_policy policy = { .namespace = "shop",
					       .name = "p",
					       .pod_selector = nothing };

	return survey_selection(survey, &policy) != SELECTION_SOME;
}

static bool matches_nothing(struct survey *survey)
{
	return survey_matches_none(survey, &nothing);
}

static bool selected_miss_port(struct survey *survey)
{
	return survey_misses_port(survey, &all_pods, &everybody,
				  DIRECTION_INGRESS, &no_such_port);
}

static bool reached_miss_port(struct survey *survey)
{
	return survey_misses_port(survey, &all_pods, &everybody,
				  DIRECTION_EGRESS, &no_such_port);
}

static const struct question questions[] = {
	{ "each value is compared with each pod", selects_nothing },
	{ "each value is compared with each namespace", matches_nothing },
	{ "the ports of all selected pods are compared", selected_miss_port },
	{ "the ports of all pods are compared", reached_miss_port },
};

/* With any budget that was not enough the answer is no reason to complain. */
static void check_question(const struct question *question,
			   const struct cluster *cluster)
{
	struct arena arena = { 0 };
	struct survey survey;
	uint64_t cost;

	assert_int_equal(0, survey_init(&survey, cluster,
					(struct budget){ PLENTY }, &arena));
	if (!question->complains(&survey))
		fail_msg("%s: there is nothing to complain of", question->name);
	cost = PLENTY - survey.budget.left;
	if (cost < MANY * MANY)
		fail_msg("%s: it costs only %ju", question->name,
			 (uintmax_t)cost);
	for (uint64_t left = 0; left <= cost; left++) {
		survey.budget.left = left;
		if (question->complains(&survey))
			fail_msg("%s: complains with %ju left", question->name,
				 (uintmax_t)left);
	}
	survey.budget.left = cost + 1;
	assert_true(question->complains(&survey));
	arena_release(&arena);
}

static void every_question_is_paid_for(void **state)
{
	struct cluster *cluster = make_cluster();

	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		check_question(&questions[i], cluster);
	cluster_free(cluster);
	arena_release(&build_arena);
}

/* NP-66: it was deleted, and its pods are still there. */
static void remembered_policies_are_left_out(void **state)
{
	struct object shop = a_namespace("shop", "");
	struct object policy = a_policy("shop", "p", "", DIRECTION_INGRESS);
	struct cluster *cluster = cluster_new();
	struct arena arena = { 0 };
	struct survey survey;

	(void)state;
	put(cluster, shop);
	put(cluster, policy);
	put(cluster, a_policy("far", "p", "", DIRECTION_INGRESS));
	put(cluster, a_pod("shop", "web", "", ""));
	assert_true(cluster_delete(cluster, &shop, 0) >= 0);
	assert_true(cluster_delete(cluster, &policy, 0) >= 0);
	assert_int_equal(0, survey_init(&survey, cluster,
					(struct budget){ PLENTY }, &arena));
	assert_int_equal(1, survey.n_policies);
	assert_string_equal("far", survey.policies[0]->namespace);
	assert_int_equal(1, survey.n_pods);
	arena_release(&arena);
	cluster_free(cluster);
	arena_release(&build_arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_is_paid_for),
		cmocka_unit_test(remembered_policies_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
