/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle is tested too: by worlds whose answers are known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle.h"
#include "vectors.h"
#include "world.h"

static void put(void *ctx, const char *json)
{
	oracle_put(ctx, json, 0);
}

static void delete (void *ctx, const char *json)
{
	oracle_delete(ctx, json, 0);
}

static bool allows(void *ctx, const struct probe *probe)
{
	return oracle_ask(ctx, NULL, probe).allow;
}

static void every_vector(void **state)
{
	size_t failures = 0;

	(void)state;
	for (size_t i = 0; i < n_vectors; i++) {
		struct oracle *oracle = oracle_new();
		struct vectors_subject subject = { oracle, put, delete,
						   allows };

		failures += vectors_run(i, &subject);
		oracle_free(oracle);
	}
	assert_int_equal(failures, 0);
}

/* Random worlds have to be worth asking: every kind of answer is common. */
static void worlds_are_worth_asking(void **state)
{
	size_t why[2][N_ORACLE_WHYS] = { 0 }, denied[2] = { 0 };
	size_t by_rule = 0, n = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct oracle *oracle = oracle_new();
		struct world world;

		world_init(&world, seed);
		for (size_t i = 0; i < world.n_objects; i++)
			oracle_put(oracle, world.objects[i].json, 0);
		for (int i = 0; i < 200; i++) {
			struct probe probe = world_probe(&world);
			struct oracle_answer answer =
				oracle_ask(oracle, world.node, &probe);

			n++;
			for (int dir = 0; dir < 2; dir++) {
				const struct oracle_side *side =
					&answer.sides[dir];

				why[dir][side->why]++;
				denied[dir] += !side->allow;
				by_rule += side->why == ORACLE_RULES &&
					   side->allow;
			}
		}
		oracle_free(oracle);
		world_release(&world);
	}
	for (int dir = 0; dir < 2; dir++) {
		for (int i = 0; i < N_ORACLE_WHYS; i++)
			print_message("# %s: reason %d: %zu of %zu\n",
				      dir ? "ingress" : "egress", i,
				      why[dir][i], n);
		for (int i = 0; i < N_ORACLE_WHYS; i++)
			if (dir == ORACLE_INGRESS || i != ORACLE_OWN_NODE)
				assert_true(why[dir][i] > n / 500);
		assert_true(denied[dir] > n / 20);
	}
	print_message("# denied: %zu and %zu, allowed by a rule: %zu of %zu\n",
		      denied[0], denied[1], by_rule, n);
	assert_true(by_rule > n / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector),
		cmocka_unit_test(worlds_are_worth_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
