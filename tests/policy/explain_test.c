/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/selector.h"
#include "netpold/snapshot.h"

#include "denied_world.h"

#define DB "10.0.0.2"
#define GUEST "10.1.0.1"
#define LOST "10.2.0.1"
#define OUTSIDE "192.0.2.1"

#define TIER "{podSelector: {matchLabels: {tier: back}}}"
#define TIER_ENV "{podSelector: {matchLabels: {tier: back, env: prod}}}"
#define ANY_POD "{podSelector: {}}"
#define TEAM_X "namespaceSelector: {matchLabels: {team: x}}"

/*
 * Who opens TCP to port 81 of shop/web (denied_world.h) and is denied; which of
 * the rules is the nearest, what it misses, and which requirements of its
 * namespaces and of its pods do not hold.
 */
static const struct {
	const char *name;
	const char *src;
	const char *rules;
	size_t nearest; /* from 1 */
	unsigned int misses;
	const char *namespace_labels;
	const char *pod_labels;
} cases[] = {
	/* ---- between rules ---- */
	{ "a rule that lacks the port is nearer than one that lacks a label",
	  DB, "{from: [" TIER "]}, {from: [" ANY_POD "], ports: [{port: 80}]}",
	  2, MISS_PORT, "", "" },
	{ "and in any order", DB,
	  "{from: [" ANY_POD "], ports: [{port: 80}]}, {from: [" TIER "]}", 1,
	  MISS_PORT, "", "" },
	{ "one label is nearer than two", DB,
	  "{from: [" TIER_ENV "]}, {from: [" TIER "]}", 2, MISS_POD_LABELS, "",
	  "tier=back" },
	{ "one label is nearer than one label and the port", DB,
	  "{from: [" TIER "], ports: [{port: 80}]}, {from: [" TIER "]}", 2,
	  MISS_POD_LABELS, "", "tier=back" },
	{ "one label and the port are nearer than two labels", DB,
	  "{from: [" TIER_ENV "]}, {from: [" TIER "], ports: [{port: 80}]}", 2,
	  MISS_POD_LABELS | MISS_PORT, "", "tier=back" },
	{ "two labels are nearer than two labels and the port", DB,
	  "{from: [" TIER_ENV "], ports: [{port: 80}]}, {from: [" TIER_ENV "]}",
	  2, MISS_POD_LABELS, "", "env=prod,tier=back" },
	{ "where as much is missing, the first rule is the nearest", DB,
	  "{from: [" TIER "]}, {from: [{podSelector: {matchLabels: {a: b}}}]}",
	  1, MISS_POD_LABELS, "", "tier=back" },
	{ "a namespace that matches brings a rule nearer", GUEST,
	  "{from: [{" TEAM_X ", podSelector: {matchLabels: {tier: back}}}]}, "
	  "{from: [{namespaceSelector: {matchLabels: {team: guests}}, "
	  "podSelector: {matchLabels: {tier: back}}}]}",
	  2, MISS_POD_LABELS, "", "tier=back" },
	{ "the own namespace is one thing, whatever its labels are", GUEST,
	  "{from: [{" TEAM_X ", podSelector: {matchLabels: {tier: back}}}]}, "
	  "{from: [" ANY_POD "]}",
	  2, MISS_NAMESPACE, "", "" },
	{ "another namespace and a label are two things", GUEST,
	  "{from: [" TIER "]}, {from: [{" TEAM_X "}]}", 2,
	  MISS_NAMESPACE_LABELS, "team=x", "" },
	{ "a rule without peers lacks the port only", DB,
	  "{from: [" TIER "]}, {ports: [{port: 80}]}", 2, MISS_PORT, "", "" },

	/* ---- something else entirely ---- */
	{ "a block elsewhere is further from a pod than any selector", DB,
	  "{from: [{ipBlock: {cidr: 10.9.0.0/16}}]}, "
	  "{from: [{" TEAM_X ", podSelector: {matchLabels: {tier: back, "
	  "env: prod}}}], ports: [{port: 80}]}",
	  2, MISS_NAMESPACE_LABELS | MISS_POD_LABELS | MISS_PORT, "team=x",
	  "env=prod,tier=back" },
	{ "a block that excepts a pod is near it", DB,
	  "{from: [" TIER_ENV "]}, "
	  "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/16]}}]}",
	  2, MISS_EXCEPT, "", "" },
	{ "to what is no pod a block elsewhere is nearer than pods", OUTSIDE,
	  "{from: [" ANY_POD "]}, "
	  "{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 80}]}",
	  2, MISS_BLOCK | MISS_PORT, "", "" },
	{ "unless it is one of the other family", OUTSIDE,
	  "{from: [" ANY_POD "]}, {from: [{ipBlock: {cidr: 'fd00::/8'}}]}", 1,
	  MISS_NOT_A_POD, "", "" },
	{ "who is excepted is nearer than who is outside", OUTSIDE,
	  "{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}, "
	  "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [192.0.0.0/8]}}]}",
	  2, MISS_EXCEPT, "", "" },
	{ "even on another port", OUTSIDE,
	  "{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}, "
	  "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [192.0.0.0/8]}}], "
	  "ports: [{port: 80}]}",
	  2, MISS_EXCEPT | MISS_PORT, "", "" },

	/* ---- inside one rule ---- */
	{ "a rule is as near as its nearest peer", DB,
	  "{from: [" TIER_ENV ", " TIER ", {" TEAM_X "}]}", 1, MISS_POD_LABELS,
	  "", "tier=back" },
	{ "of peers that are something else the first is told", OUTSIDE,
	  "{from: [" TIER ", " ANY_POD "]}", 1, MISS_NOT_A_POD, "", "" },
	{ "all requirements that do not hold are listed, and no others", GUEST,
	  "{from: [{namespaceSelector: {matchExpressions: ["
	  "{key: team, operator: NotIn, values: [guests, x]}, "
	  "{key: team, operator: Exists}, {key: a, operator: Exists}]}, "
	  "podSelector: {matchLabels: {app: web}, matchExpressions: ["
	  "{key: tier, operator: In, values: [a, b]}, "
	  "{key: tier, operator: DoesNotExist}]}}]}",
	  1, MISS_NAMESPACE_LABELS | MISS_POD_LABELS, "team notin (guests,x),a",
	  "tier in (a,b),!tier" },
	{ "NP-42: of an unknown namespace no label is known to be absent", LOST,
	  "{from: [{namespaceSelector: {matchExpressions: ["
	  "{key: team, operator: NotIn, values: [x]}, "
	  "{key: kubernetes.io/metadata.name, operator: Exists}]}}]}",
	  1, MISS_NAMESPACE_LABELS | MISS_NAMESPACE_UNKNOWN, "team notin (x)",
	  "" },
};

static void write_unmet(const struct unmet *unmet, char *out, size_t size)
{
	size_t len = 0;

	*out = '\0';
	for (size_t i = 0; i < unmet->n; i++) {
		len += (size_t)snprintf(out + len, size - len, "%s",
					i > 0 ? "," : "");
		len += (size_t)requirement_format(unmet->items[i], out + len,
						  size - len);
	}
}

static void the_nearest_rule_is_the_one_most_likely_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char spec[1024], namespace_labels[256], pod_labels[256];
		const struct side_explanation *side;
		const struct rule_result *nearest;
		struct denied_world world;

		snprintf(spec, sizeof(spec), "ingress: [%s]", cases[i].rules);
		denied_world_init(&world, spec, cases[i].src, "10.0.0.1",
				  "81/TCP");
		side = &world.explanation.sides[DIRECTION_INGRESS];
		nearest = side->nearest;
		assert_int_equal(REASON_NO_RULE_MATCHES, side->side.reason);
		write_unmet(&nearest->namespace_labels, namespace_labels,
			    sizeof(namespace_labels));
		write_unmet(&nearest->pod_labels, pod_labels,
			    sizeof(pod_labels));
		if (nearest->rule + 1 != cases[i].nearest ||
		    nearest->misses != cases[i].misses ||
		    strcmp(namespace_labels, cases[i].namespace_labels) != 0 ||
		    strcmp(pod_labels, cases[i].pod_labels) != 0)
			fail_msg("%s: expected rule %zu, misses %#x, unmet "
				 "'%s' '%s'; got rule %zu, misses %#x, unmet "
				 "'%s' '%s'",
				 cases[i].name, cases[i].nearest,
				 cases[i].misses, cases[i].namespace_labels,
				 cases[i].pod_labels, nearest->rule + 1,
				 nearest->misses, namespace_labels, pod_labels);
		denied_world_release(&world);
	}
}

static void without_rules_none_is_near(void **state)
{
	struct denied_world world;

	(void)state;
	denied_world_init(&world, "ingress: []", DB, "10.0.0.1", "81/TCP");
	assert_null(world.explanation.sides[DIRECTION_INGRESS].nearest);
	denied_world_release(&world);
}

static void expect_entries(const char *rule, const char *src, size_t peer,
			   size_t port)
{
	const struct rule_result *result;
	const struct rule *asked;
	struct denied_world world;
	char spec[512];

	snprintf(spec, sizeof(spec), "ingress: [%s]", rule);
	denied_world_init(&world, spec, src, "10.0.0.1", "81/TCP");
	result = &world.explanation.sides[DIRECTION_INGRESS].rules[0];
	asked = &result->policy->rules[DIRECTION_INGRESS][0];
	assert_int_equal(0, result->misses);
	assert_ptr_equal(peer ? &asked->peers[peer - 1] : NULL, result->peer);
	assert_ptr_equal(port ? &asked->ports[port - 1] : NULL, result->port);
	denied_world_release(&world);
}

static void expect_same_unmet(const struct unmet *a, const struct unmet *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_ptr_equal(a->items[i], b->items[i]);
}

static void the_nearest_alone_is_told_as_among_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rule_result *whole, *nearest;
		struct explanation alone;
		struct arena arena = { 0 };
		struct denied_world world;
		char spec[4096];

		snprintf(spec, sizeof(spec), "ingress: [%s]", cases[i].rules);
		denied_world_init(&world, spec, cases[i].src, "10.0.0.1",
				  "81/TCP");
		assert_int_equal(0, snapshot_explain_nearest(world.snapshot,
							     &world.key, &arena,
							     &alone));
		whole = world.explanation.sides[DIRECTION_INGRESS].nearest;
		nearest = alone.sides[DIRECTION_INGRESS].nearest;
		assert_int_equal(whole->rule, nearest->rule);
		assert_int_equal(whole->misses, nearest->misses);
		assert_int_equal(whole->distance, nearest->distance);
		expect_same_unmet(&whole->namespace_labels,
				  &nearest->namespace_labels);
		expect_same_unmet(&whole->pod_labels, &nearest->pod_labels);
		arena_release(&arena);
		denied_world_release(&world);
	}
}

#define ANOTHER_POLICY                                                         \
	"}}\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,"     \
	" metadata: {namespace: shop, name: q}, spec: {podSelector: {}, "

/* shop/p has two rules of two entries each, shop/q a third one. */
static const struct {
	const char *name;
	struct explain_bound bound;
	size_t listed, unlisted, asked;
	size_t nearest; /* from 1; 0: none */
} bounds[] = {
	{ "all is within the bound", { 2, 6 }, 2, 0, 3, 3 },
	{ "so it is where there is more room", { 20, 500 }, 2, 0, 3, 3 },
	{ "one rule is not", { 2, 5 }, 2, 0, 2, 2 },
	{ "nor a second one", { 2, 3 }, 2, 0, 1, 1 },
	{ "none is", { 2, 1 }, 2, 0, 0, 0 },
	{ "one policy is not listed, nor are its rules asked",
	  { 1, 500 },
	  1,
	  1,
	  2,
	  2 },
	{ "none is listed", { 0, 500 }, 0, 2, 0, 0 },
};

static void what_is_told_stays_within_a_bound(void **state)
{
	static const char rules[] =
		"ingress: [{from: [" TIER_ENV "]}, {from: [" TIER
		"]}]" ANOTHER_POLICY "ingress: [{ports: [{port: 80}]}]";

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		const struct side_explanation *side;
		struct explanation some;
		struct arena arena = { 0 };
		struct denied_world world;

		denied_world_init(&world, rules, DB, "10.0.0.1", "81/TCP");
		assert_int_equal(0, snapshot_explain_some(
					    world.snapshot, &world.key,
					    &bounds[i].bound, &arena, &some));
		side = &some.sides[DIRECTION_INGRESS];
		if (side->n_isolating != bounds[i].listed ||
		    side->n_unlisted != bounds[i].unlisted ||
		    side->n_rules != bounds[i].asked ||
		    (side->nearest ? side->nearest - side->rules + 1 : 0) !=
			    (ptrdiff_t)bounds[i].nearest)
			fail_msg("%s: %zu policies listed, %zu not, %zu rules",
				 bounds[i].name, side->n_isolating,
				 side->n_unlisted, side->n_rules);
		arena_release(&arena);
		denied_world_release(&world);
	}
}

/* The first of each, from 1; 0: the rule lists none. */
static void a_rule_that_allows_says_by_which_entries(void **state)
{
	(void)state;
	expect_entries("{}", DB, 0, 0);
	expect_entries("{from: [" TIER ", " ANY_POD ", {podSelector: "
		       "{matchLabels: {app: db}}}], ports: [{port: 80}, "
		       "{port: 80, protocol: UDP}, {port: 81}, {}]}",
		       DB, 2, 3);
	expect_entries("{from: [" ANY_POD ", {ipBlock: {cidr: 192.0.2.0/24}}], "
		       "ports: [{}, {port: 81}]}",
		       OUTSIDE, 2, 1);
	expect_entries("{ports: [{port: 1, endPort: 99}]}", DB, 0, 1);
}

static void every_miss_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < N_MISSES; i++) {
		assert_string_not_equal("unknown", miss_name(1 << i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(miss_name(1 << k),
						miss_name(1 << i));
	}
	assert_string_equal("unknown", miss_name(1 << N_MISSES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_rule_is_the_one_most_likely_meant),
		cmocka_unit_test(the_nearest_alone_is_told_as_among_all),
		cmocka_unit_test(what_is_told_stays_within_a_bound),
		cmocka_unit_test(without_rules_none_is_near),
		cmocka_unit_test(a_rule_that_allows_says_by_which_entries),
		cmocka_unit_test(every_miss_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
