/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that are found redundant are, in random worlds:
 *
 *	without all of them at once, every verdict is what it was
 *	whatever the budget
 *	each is covered by a rule that stays
 *	where every policy is there twice, all rules of the second are found
 *
 * NETPOLD_SEED and NETPOLD_PROBES set the seed and the number of probes. World
 * n of a run is that of seed + n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine.h"
#include "netpold/arena.h"
#include "redundant.h"
#include "world.h"

#define PROBES_PER_WORLD 500
/* Of a policy's name, for its copy: comes after all names. */
#define COPY "~"

/* What was found in a world. */
struct run {
	uint64_t seed;
	struct random random;
	struct arena arena;
	struct cluster *whole;
	const struct network_policy **policies; /* by namespace and name */
	size_t n_policies;
	struct rule_places places[N_DIRECTIONS];
};

struct tally {
	size_t worlds, probes, rules, found, elsewhere, allowed;
};

/* ---- the world as a whole ----------------------------------------------- */

static void put_whole(void *ctx, const struct object *object)
{
	assert_true(cluster_put(ctx, object, 0) >= 0);
}

/* Each policy a second time, under a name that comes later. */
static void put_twice(void *ctx, const struct object *object)
{
	struct object copy = *object;
	char name[64];

	put_whole(ctx, object);
	if (object->kind != OBJECT_NETWORK_POLICY)
		return;
	snprintf(name, sizeof(name), COPY "%s", object->policy.name);
	copy.policy.name = name;
	put_whole(ctx, &copy);
}

static int add_policy(void *ctx, const struct object *object)
{
	struct run *run = ctx;

	run->policies[run->n_policies++] = &object->policy;
	return 0;
}

static int compare_policies(const void *a, const void *b)
{
	const struct network_policy *const *p = a, *const *q = b;
	int order = strcmp((*p)->namespace, (*q)->namespace);

	return order ? order : strcmp((*p)->name, (*q)->name);
}

static void run_init(struct run *run, const struct world *world, uint64_t seed,
		     void (*put)(void *ctx, const struct object *object))
{
	size_t n;

	*run = (struct run){
		.seed = seed,
		.random = { seed },
		.whole = cluster_new(),
	};
	for (size_t i = 0; i < world->n_objects; i++)
		engine_each(world->objects[i].json, put, run->whole);
	n = cluster_count(run->whole, OBJECT_NETWORK_POLICY);
	run->policies = arena_array(&run->arena, n, sizeof(void *));
	cluster_each(run->whole, OBJECT_NETWORK_POLICY, add_policy, run);
	assert_int_equal(n, run->n_policies);
	qsort(run->policies, n, sizeof(void *), compare_policies);
}

static void run_find(struct run *run, struct budget budget)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		assert_int_equal(0,
				 redundant_find(run->policies, run->n_policies,
						dir, &budget, &run->arena,
						&run->places[dir]));
}

static void run_release(struct run *run)
{
	cluster_free(run->whole);
	arena_release(&run->arena);
}

static void fail_run(const struct run *run, const char *what)
{
	fail_msg("world of NETPOLD_SEED=%llu: %s",
		 (unsigned long long)run->seed, what);
}

/* ---- without what was found --------------------------------------------- */

/* The places of a policy follow each other. */
static const struct rule_place *places_of(const struct run *run,
					  const struct network_policy *policy,
					  enum direction dir)
{
	const struct rule_places *places = &run->places[dir];

	for (size_t i = 0; i < places->n; i++) {
		if (places->items[i].policy == policy)
			return &places->items[i];
	}
	return NULL;
}

static void drop_rules(struct run *run, struct network_policy *copy,
		       const struct network_policy *policy, enum direction dir)
{
	const struct rule_place *places = places_of(run, policy, dir);
	struct rule *rules;
	size_t n = 0;

	if (!places)
		return;
	rules = arena_array(&run->arena, policy->n_rules[dir], sizeof(*rules));
	for (size_t i = 0; i < policy->n_rules[dir]; i++) {
		assert_int_equal(i, places[i].rule);
		if (!places[i].cover)
			rules[n++] = policy->rules[dir][i];
	}
	copy->rules[dir] = rules;
	copy->n_rules[dir] = n;
}

struct thinning {
	struct run *run;
	struct cluster *to;
};

/* Whom it isolates was decided when it was read (NP-3). */
static int put_thinned(void *ctx, const struct object *object)
{
	const struct thinning *thinning = ctx;
	struct object copy = *object;

	for (int dir = 0;
	     object->kind == OBJECT_NETWORK_POLICY && dir < N_DIRECTIONS; dir++)
		drop_rules(thinning->run, &copy.policy, &object->policy, dir);
	put_whole(thinning->to, &copy);
	return 0;
}

static struct snapshot *compile_thinned(struct run *run, const char *node)
{
	struct thinning thinning = { run, cluster_new() };
	struct snapshot *snapshot;

	for (int kind = 0; kind < N_OBJECT_KINDS; kind++)
		cluster_each(run->whole, kind, put_thinned, &thinning);
	snapshot = engine_compile(thinning.to, node);
	cluster_free(thinning.to);
	return snapshot;
}

/* ---- what has to be true ------------------------------------------------ */

static void check_covers(const struct run *run, struct tally *tally)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct rule_places *places = &run->places[dir];

		tally->rules += places->n;
		for (size_t i = 0; i < places->n; i++) {
			const struct rule_place *place = &places->items[i];

			if (!place->cover)
				continue;
			tally->found++;
			tally->elsewhere +=
				place->policy != place->cover->policy;
			if (place->cover->cover)
				fail_run(run, "a reason is redundant itself");
		}
	}
}

static void check_verdicts(struct run *run, struct world *world,
			   struct tally *tally)
{
	struct snapshot *whole = engine_compile(run->whole, world->node);
	struct snapshot *thinned = compile_thinned(run, world->node);

	for (size_t i = 0; i < PROBES_PER_WORLD; i++) {
		struct probe probe = world_probe(world);
		struct flow_key key = engine_key(&probe);
		struct decision a = snapshot_decide(whole, &key);
		struct decision b = snapshot_decide(thinned, &key);

		for (int dir = 0; dir < N_DIRECTIONS; dir++) {
			if (a.sides[dir].verdict != b.sides[dir].verdict ||
			    a.sides[dir].reason != b.sides[dir].reason)
				fail_run(run, "without the redundant rules "
					      "another verdict comes");
			tally->allowed += a.sides[dir].reason == REASON_RULE;
		}
		tally->probes++;
	}
	snapshot_free(whole);
	snapshot_free(thinned);
}

static void check_world(uint64_t seed, struct tally *tally)
{
	struct world world;
	struct run run;
	struct budget budget = { UINT64_MAX };

	world_init(&world, seed);
	run_init(&run, &world, seed, put_whole);
	if (random_percent(&run.random, 20))
		budget.left = random_below(&run.random, 1000);
	run_find(&run, budget);
	check_covers(&run, tally);
	check_verdicts(&run, &world, tally);
	run_release(&run);
	world_release(&world);
	tally->worlds++;
}

static void without_what_is_found_verdicts_stay(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t n_probes = random_setting("NETPOLD_PROBES", 300000);
	struct tally tally = { 0 };

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_PROBES=%zu\n",
		      (unsigned long long)seed, n_probes);
	while (tally.probes < n_probes)
		check_world(seed++, &tally);
	print_message("# %zu probes in %zu worlds, %zu sides allowed by a "
		      "rule; %zu of %zu rules are redundant, %zu by another "
		      "policy\n",
		      tally.probes, tally.worlds, tally.allowed, tally.found,
		      tally.rules, tally.elsewhere);
	if (tally.worlds < 100)
		return;
	assert_true(tally.found > tally.rules / 20);
	assert_true(tally.elsewhere > 0);
	assert_true(tally.allowed > tally.probes / 20);
}

/* A copy has the later name: it is the one that is found. */
static void check_copies(uint64_t seed, size_t *n_found)
{
	struct world world;
	struct run run;

	world_init(&world, seed);
	run_init(&run, &world, seed, put_twice);
	run_find(&run, (struct budget){ UINT64_MAX });
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; i < run.places[dir].n; i++) {
			struct rule_place *place = &run.places[dir].items[i];

			if (*place->policy->name != *COPY)
				continue;
			if (!place->cover ||
			    *place->cover->policy->name == *COPY)
				fail_run(&run, "a rule of a copy stays");
			++*n_found;
		}
	}
	run_release(&run);
	world_release(&world);
}

static void the_copy_of_a_policy_adds_nothing(void **state)
{
	size_t n_found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		check_copies(seed, &n_found);
	print_message("# %zu rules of copies\n", n_found);
	assert_true(n_found > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_what_is_found_verdicts_stay),
		cmocka_unit_test(the_copy_of_a_policy_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
