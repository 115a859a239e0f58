/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiler that takes in change after change has to say what one says that
 * begins from nothing:
 *
 *	the same verdicts, for the same reasons, by the same rules
 *	snapshots that are older, and still in use, say what they always said
 *	its report is true: an answer that is another one than before has an end
 *	  among the addresses reported, and none has become deny unless it says
 *	  that some may have
 *	the same of what is planned: what agreed before and does not any more
 *	  has an end among the addresses reported for either (NP-8)
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

#include "netpold/arena.h"

#include "edit.h"
#include "engine.h"
#include "world.h"

#define STEPS_PER_WORLD 100
#define PROBES_PER_STEP 40
#define EXPLAIN_EVERY 8
#define N_OLDER 3

/* A snapshot that stays in use for a while, and what it said. */
struct older {
	struct snapshot *snapshot;
	struct flow_key keys[PROBES_PER_STEP];
	struct decision decisions[PROBES_PER_STEP];
};

struct run {
	uint64_t seed;
	struct world world;
	bool *is_there; /* by object */
	struct cluster *cluster;
	struct compiler *compiler;
	struct snapshot *snapshot; /* the newest */
	struct snapshot *nothing;  /* the same, from nothing */
	struct update update;
	struct older older[N_OLDER];
	int64_t now_ms;
};

struct tally {
	size_t steps, probes, changed, denied, allowing_steps;
	size_t differing, parted; /* enforced and planned */
};

static void demand(const struct run *run, bool holds, const char *sentence,
		   const struct flow_key *key)
{
	char src[IP_ADDR_TEXT_LEN], dst[IP_ADDR_TEXT_LEN];

	if (holds)
		return;
	fprintf(stderr,
		"world of NETPOLD_SEED=%llu: %s: %s > %s protocol %u port %u\n",
		(unsigned long long)run->seed, sentence,
		ip_addr_format(&key->src, src), ip_addr_format(&key->dst, dst),
		key->protocol, key->dst_port);
	fail();
}

/* ---- changes ------------------------------------------------------------ */

/* Most of the time, one thing of it is another one. */
static char *rewrite_policy(struct world *world,
			    const struct world_object *object)
{
	char *other = world_write_policy(world, object->ns, object->name);
	char *edited;

	if (random_percent(&world->random, 30))
		return other;
	edited = edit_policy(&world->random, object->json, other);
	free(other);
	return edited;
}

static char *rewrite(struct world *world, const struct world_object *object)
{
	char uid[24];

	switch (object->kind) {
	case WORLD_NAMESPACE:
		return world_write_namespace(world, object->name, false);
	case WORLD_NODE:
		return world_write_node(world, object->name);
	case WORLD_POD:
		snprintf(uid, sizeof(uid), "%016llx",
			 (unsigned long long)random_next(&world->random));
		return world_write_pod(world, object->ns, object->name, uid);
	case WORLD_POLICY:
		return rewrite_policy(world, object);
	}
	return NULL;
}

static void change_one(struct run *run)
{
	struct random *r = &run->world.random;
	size_t i = random_below(r, run->world.n_objects);
	struct world_object *object = &run->world.objects[i];

	run->now_ms += random_between(r, 0, 9000);
	if (run->is_there[i] && random_percent(r, 35)) {
		engine_delete(run->cluster, object->json, run->now_ms);
		run->is_there[i] = false;
		return;
	}
	/* What was deleted often comes back as it was. */
	if (run->is_there[i] || random_percent(r, 50)) {
		char *written = rewrite(&run->world, object);

		free(object->json);
		object->json = written;
	}
	engine_put(run->cluster, object->json, run->now_ms);
	run->is_there[i] = true;
}

/* ---- comparing ---------------------------------------------------------- */

static bool same_decision(const struct decision *a, const struct decision *b)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (a->sides[dir].verdict != b->sides[dir].verdict ||
		    a->sides[dir].reason != b->sides[dir].reason)
			return false;
	}
	return a->verdict == b->verdict;
}

static bool same_policy(const struct network_policy *a,
			const struct network_policy *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a->namespace, b->namespace) == 0 &&
	       strcmp(a->name, b->name) == 0;
}

static bool same_side(const struct side_explanation *a,
		      const struct side_explanation *b)
{
	if (a->n_isolating != b->n_isolating || a->n_rules != b->n_rules ||
	    !same_policy(a->policy, b->policy) ||
	    (a->policy && a->rule != b->rule))
		return false;
	for (size_t i = 0; i < a->n_isolating; i++) {
		if (!same_policy(a->isolating[i], b->isolating[i]))
			return false;
	}
	for (size_t i = 0; i < a->n_rules; i++) {
		if (!same_policy(a->rules[i].policy, b->rules[i].policy) ||
		    a->rules[i].misses != b->rules[i].misses)
			return false;
	}
	return true;
}

static void compare_explanations(const struct run *run,
				 const struct flow_key *key)
{
	struct arena arena = { 0 };
	struct explanation a, b;

	assert_int_equal(0, snapshot_explain(run->snapshot, key, &arena, &a));
	assert_int_equal(0, snapshot_explain(run->nothing, key, &arena, &b));
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		demand(run, same_side(&a.sides[dir], &b.sides[dir]),
		       "other rules are named than from nothing", key);
	arena_release(&arena);
}

static bool is_reported(const struct update *update, const struct ip_addr *addr)
{
	for (size_t i = 0; i < update->n_addresses; i++) {
		if (ip_addr_equal(&update->addresses[i], addr))
			return true;
	}
	return false;
}

/* What the kernel remembers of a flow is judged anew where an end of it is
   reported for what is enforced or for what is planned. */
static bool is_planned(const struct update *update, const struct ip_addr *addr)
{
	for (size_t i = 0; i < update->n_planned_addresses; i++) {
		if (ip_addr_equal(&update->planned_addresses[i], addr))
			return true;
	}
	return update->planned_from_nothing || is_reported(update, addr);
}

/* At which end an address was reported is what says where to look for flows. */
static bool may_deny(const struct update *update, const struct flow_key *key)
{
	return (update->may_deny[DIRECTION_EGRESS] &&
		is_reported(update, &key->src)) ||
	       (update->may_deny[DIRECTION_INGRESS] &&
		is_reported(update, &key->dst));
}

/* What was said of the same flow before this step. */
static void check_report(const struct run *run, const struct flow_key *key,
			 const struct decision *before,
			 const struct decision *now, struct tally *tally)
{
	if (same_decision(before, now))
		return;
	tally->changed++;
	demand(run,
	       is_reported(&run->update, &key->src) ||
		       is_reported(&run->update, &key->dst),
	       "an answer has changed, and neither end is reported", key);
	/* An address of the own node that becomes a pod's is nothing that a
	   node can see: its own flows are never judged. */
	demand(run,
	       may_deny(&run->update, key) || key->from_own_node ||
		       before->verdict == VERDICT_DENY ||
		       now->verdict == VERDICT_ALLOW,
	       "an answer has become deny, and that is not reported", key);
}

/* @before, @now  by what is enforced, and by what is planned */
static void check_planned_report(const struct run *run,
				 const struct flow_key *key,
				 const struct decision before[2],
				 const struct decision now[2],
				 struct tally *tally)
{
	enum verdict verdict = before[0].verdict;

	tally->differing += now[0].verdict != now[1].verdict;
	if (before[1].verdict != verdict ||
	    (now[0].verdict == verdict && now[1].verdict == verdict))
		return;
	tally->parted++;
	demand(run,
	       is_planned(&run->update, &key->src) ||
		       is_planned(&run->update, &key->dst),
	       "what both agreed on has changed, and neither end is reported",
	       key);
}

static void check_older(const struct run *run)
{
	for (size_t i = 0; i < N_OLDER; i++) {
		const struct older *older = &run->older[i];

		for (size_t k = 0; older->snapshot && k < PROBES_PER_STEP;
		     k++) {
			struct decision d = snapshot_decide(older->snapshot,
							    &older->keys[k]);

			demand(run, same_decision(&d, &older->decisions[k]),
			       "an older snapshot says something else",
			       &older->keys[k]);
		}
	}
}

/* By what is planned; where nothing is staged, by what is enforced. */
static const struct snapshot *planned_of(const struct snapshot *snapshot)
{
	const struct snapshot *planned = snapshot_planned(snapshot);

	return planned ? planned : snapshot;
}

/* ---- one step ----------------------------------------------------------- */

static void compile(struct run *run)
{
	assert_int_equal(0, compiler_compile(run->compiler, &run->snapshot,
					     &run->update, NULL));
	snapshot_free(run->nothing);
	run->nothing = engine_compile(run->cluster, run->world.node);
}

/* The newest takes the place of one that has been in use for long enough. */
static void keep(struct run *run, struct snapshot *snapshot,
		 const struct flow_key *keys, const struct decision *decisions)
{
	struct older *older =
		&run->older[random_below(&run->world.random, N_OLDER)];

	snapshot_free(older->snapshot);
	older->snapshot = snapshot;
	memcpy(older->keys, keys, sizeof(older->keys));
	memcpy(older->decisions, decisions, sizeof(older->decisions));
}

static void step(struct run *run, struct tally *tally)
{
	struct random *r = &run->world.random;
	struct snapshot *before = run->snapshot;
	struct flow_key keys[PROBES_PER_STEP];
	struct decision was[PROBES_PER_STEP], now[PROBES_PER_STEP];
	struct decision was_planned[PROBES_PER_STEP];

	for (size_t i = 0; i < PROBES_PER_STEP; i++) {
		struct probe probe = world_probe(&run->world);

		keys[i] = engine_key(&probe);
	}
	snapshot_decide_batch(before, keys, PROBES_PER_STEP, was);
	snapshot_decide_batch(planned_of(before), keys, PROBES_PER_STEP,
			      was_planned);
	for (long n = random_between(r, 1, 4); n > 0; n--)
		change_one(run);
	compile(run);
	tally->allowing_steps += !run->update.may_deny[DIRECTION_EGRESS] &&
				 !run->update.may_deny[DIRECTION_INGRESS];
	snapshot_decide_batch(run->snapshot, keys, PROBES_PER_STEP, now);
	for (size_t i = 0; i < PROBES_PER_STEP; i++) {
		struct decision single =
			snapshot_decide(run->snapshot, &keys[i]);
		struct decision nothing =
			snapshot_decide(run->nothing, &keys[i]);
		const struct decision plan =
			snapshot_decide(planned_of(run->snapshot), &keys[i]);
		const struct decision plan_of_nothing =
			snapshot_decide(planned_of(run->nothing), &keys[i]);

		demand(run, same_decision(&plan, &plan_of_nothing),
		       "another plan than from nothing", &keys[i]);
		check_planned_report(
			run, &keys[i],
			(struct decision[]){ was[i], was_planned[i] },
			(struct decision[]){ now[i], plan }, tally);
		demand(run, same_decision(&now[i], &nothing),
		       "another answer than from nothing", &keys[i]);
		demand(run, same_decision(&now[i], &single),
		       "another answer in a batch than alone", &keys[i]);
		check_report(run, &keys[i], &was[i], &now[i], tally);
		if (i % EXPLAIN_EVERY == 0)
			compare_explanations(run, &keys[i]);
		tally->denied += now[i].verdict == VERDICT_DENY;
	}
	tally->probes += PROBES_PER_STEP;
	tally->steps++;
	check_older(run);
	keep(run, before, keys, was);
}

/* ---- one world ---------------------------------------------------------- */

static void run_init(struct run *run, uint64_t seed)
{
	*run = (struct run){ .seed = seed };
	world_init(&run->world, seed);
	run->is_there = calloc(run->world.n_objects + 1, sizeof(bool));
	run->cluster = cluster_new();
	assert_non_null(run->is_there);
	assert_non_null(run->cluster);
	run->compiler = engine_follow(run->cluster, run->world.node);
	/* Half of them are there from the beginning. */
	for (size_t i = 0; i < run->world.n_objects; i++) {
		if (random_percent(&run->world.random, 50))
			continue;
		engine_put(run->cluster, run->world.objects[i].json, 0);
		run->is_there[i] = true;
	}
	compile(run);
	assert_true(run->update.from_nothing);
}

/* In any order, the cluster and its compiler first or last. */
static void run_release(struct run *run)
{
	bool cluster_first = random_percent(&run->world.random, 50);

	if (cluster_first) {
		compiler_free(run->compiler);
		cluster_free(run->cluster);
	}
	snapshot_free(run->snapshot);
	for (size_t i = 0; i < N_OLDER; i++)
		snapshot_free(run->older[i].snapshot);
	snapshot_free(run->nothing);
	if (!cluster_first) {
		compiler_free(run->compiler);
		cluster_free(run->cluster);
	}
	free(run->is_there);
	world_release(&run->world);
}

static void every_change_gives_what_nothing_gives(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t n_probes = random_setting("NETPOLD_PROBES", 1000000);
	struct tally tally = { 0 };

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_PROBES=%zu\n",
		      (unsigned long long)seed, n_probes);
	for (; tally.probes < n_probes; seed++) {
		struct run run;

		run_init(&run, seed);
		for (size_t i = 0; i < STEPS_PER_WORLD; i++)
			step(&run, &tally);
		run_release(&run);
	}
	print_message(
		"# %zu compilations, %zu of them only allow more; %zu "
		"probes, %zu denied, %zu answers changed; %zu differ from "
		"what is planned, %zu agree no more\n",
		tally.steps, tally.allowing_steps, tally.probes, tally.denied,
		tally.changed, tally.differing, tally.parted);
	/* Else the worlds are not worth the time. */
	assert_true(tally.changed > tally.steps / 4);
	assert_true(tally.allowing_steps > tally.steps / 20);
	assert_true(tally.differing > tally.probes / 1000);
	assert_true(tally.parted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_change_gives_what_nothing_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
