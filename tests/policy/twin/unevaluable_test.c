/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requirements that cannot be evaluated (NP-25) never get past a decoder that
 * validates, but the API server lets old objects keep them. So here policies
 * are spoilt on their way: for the engine after they were decoded, for the
 * oracle in the text, both in the same way:
 *
 *	a exists                 an operator that nobody knows
 *	a DoesNotExist [x]       values where there may be none
 *	a NotIn []               no values where there must be some
 *
 * Such a requirement matches nothing, and neither does its selector.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "twin.h"
#include "world.h"

#define SPOILT_KEY "a"

/* ---- the engine's side -------------------------------------------------- */

static const char *const one_value[] = { "x" };

/* Decoded objects are const for their readers; here we are their maker. */
static void spoil_selector(const struct selector *selector)
{
	for (size_t i = 0; selector != NULL && i < selector->n; i++) {
		struct requirement *r =
			(void *)(uintptr_t)&selector->requirements[i];

		if (strcmp(r->key, SPOILT_KEY) != 0)
			continue;
		if (r->op == SELECTOR_EXISTS) {
			r->op = SELECTOR_UNKNOWN;
		} else if (r->op == SELECTOR_DOES_NOT_EXIST) {
			r->values = one_value;
			r->n_values = 1;
		} else if (r->op == SELECTOR_NOT_IN) {
			r->n_values = 0;
		}
	}
}

static void spoil_rule(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_peers; i++) {
		spoil_selector(rule->peers[i].pod_selector);
		spoil_selector(rule->peers[i].namespace_selector);
	}
}

static void put_spoilt(void *ctx, const struct object *object)
{
	const struct network_policy *policy = &object->policy;

	if (object->kind == OBJECT_NETWORK_POLICY) {
		spoil_selector(&policy->pod_selector);
		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			for (size_t i = 0; i < policy->n_rules[dir]; i++)
				spoil_rule(&policy->rules[dir][i]);
	}
	assert_true(cluster_put(ctx, object, 0) >= 0);
}

/* ---- the oracle's side -------------------------------------------------- */

static void spoil_expression(json_t *expression, size_t *n_spoilt)
{
	const char *key = json_string_value(json_object_get(expression, "key"));
	const char *op =
		json_string_value(json_object_get(expression, "operator"));

	if (key == NULL || op == NULL || strcmp(key, SPOILT_KEY) != 0 ||
	    strcmp(op, "In") == 0)
		return;
	++*n_spoilt;
	if (strcmp(op, "Exists") == 0)
		json_object_set_new(expression, "operator",
				    json_string("exists"));
	else if (strcmp(op, "NotIn") == 0)
		json_object_set_new(expression, "values", json_array());
	else
		json_object_set_new(expression, "values",
				    json_pack("[s]", "x"));
}

static void spoil_json(json_t *json, size_t *n_spoilt)
{
	spoil_expression(json, n_spoilt);
	for (void *at = json_object_iter(json); at != NULL;
	     at = json_object_iter_next(json, at))
		spoil_json(json_object_iter_value(at), n_spoilt);
	for (size_t i = 0; i < json_array_size(json); i++)
		spoil_json(json_array_get(json, i), n_spoilt);
}

static void tell_oracle(struct oracle *oracle, const struct world_object *o,
			size_t *n_spoilt)
{
	json_t *json = json_loads(o->json, 0, NULL);
	char *text;

	if (o->kind == WORLD_POLICY)
		spoil_json(json, n_spoilt);
	text = json_dumps(json, 0);
	oracle_put(oracle, text, 0);
	free(text);
	json_decref(json);
}

/* ---- both --------------------------------------------------------------- */

static void check_world(uint64_t seed, size_t *n_spoilt)
{
	struct writer complaint = { 0 };
	struct world world;
	struct twin twin;

	world_init(&world, seed);
	twin_init(&twin, world.node);
	for (size_t i = 0; i < world.n_objects; i++) {
		engine_each(world.objects[i].json, put_spoilt, twin.cluster);
		tell_oracle(twin.oracle, &world.objects[i], n_spoilt);
	}
	twin_compile(&twin);
	for (int i = 0; i < 200; i++) {
		struct probe probe = world_probe(&world);

		if (twin_agrees(&twin, &probe, true, &complaint))
			continue;
		fprintf(stderr, "seed %llu: %s", (unsigned long long)seed,
			complaint.data);
		fail();
	}
	twin_release(&twin);
	world_release(&world);
}

static void what_cannot_be_evaluated_matches_nothing(void **state)
{
	size_t n_spoilt = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++)
		check_world(seed, &n_spoilt);
	print_message("# %zu requirements were spoilt\n", n_spoilt);
	assert_true(n_spoilt > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_evaluated_matches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
