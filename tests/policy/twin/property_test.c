/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is true of every cluster, asked of random ones:
 *
 *	the engine and the oracle give the same answer, for the same reason
 *	the order in which objects are told does not matter
 *	rules only ever allow: P and Q together allow what P or Q allows (L22)
 *	a named rule is why: without it another is named, or the verdict flips
 *	explain says what decide does, and which rules allow (L28)
 *
 * NETPOLD_SEED and NETPOLD_PROBES set the seed and the number of probes. World
 * n of a run is that of seed + n: to see one again, NETPOLD_SEED=<its seed>
 * NETPOLD_PROBES=1.
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
#include <jansson.h>

#include "netpold/arena.h"

#include "twin.h"
#include "world.h"

#define PROBES_PER_WORLD 500
#define EXPLAIN_EVERY 5
#define REASONS_PER_WORLD 3

/* One world, told in several ways. */
struct run {
	uint64_t seed;
	struct world world;
	struct twin twin;	    /* all objects, in the order made */
	struct snapshot *shuffled;  /* the same, one by one in any order */
	struct snapshot *halves[2]; /* each policy in one of the two */
	size_t reasons_left;
};

struct tally {
	size_t worlds, probes, denied, by_rule, unions, flips, others;
};

static void check(const struct run *run, bool holds, struct writer *complaint)
{
	if (holds) {
		writer_release(complaint);
		return;
	}
	/* Not print_error(): it cuts long text. */
	fprintf(stderr, "world of NETPOLD_SEED=%llu: %s",
		(unsigned long long)run->seed, complaint->data);
	for (size_t i = 0; i < run->world.n_objects; i++)
		if (run->world.objects[i].kind != WORLD_POLICY ||
		    strstr(complaint->data, run->world.objects[i].name))
			fprintf(stderr, "%s\n", run->world.objects[i].json);
	writer_release(complaint);
	fail();
}

/* ---- the ways to tell --------------------------------------------------- */

struct half {
	struct cluster *clusters[2];
	struct random *random;
};

static void put_in_halves(void *ctx, const struct object *object)
{
	struct half *half = ctx;
	size_t to = random_below(half->random, 2);

	for (size_t i = 0; i < 2; i++)
		if (object->kind != OBJECT_NETWORK_POLICY || i == to)
			assert_true(cluster_put(half->clusters[i], object, 0) >=
				    0);
}

static void tell_halves(struct run *run, const char *list)
{
	struct half half = { { cluster_new(), cluster_new() },
			     &run->world.random };

	engine_each(list, put_in_halves, &half);
	for (size_t i = 0; i < 2; i++) {
		run->halves[i] =
			engine_compile(half.clusters[i], run->world.node);
		cluster_free(half.clusters[i]);
	}
}

static void tell_shuffled(struct run *run, size_t *order)
{
	struct cluster *cluster = cluster_new();
	size_t n = run->world.n_objects;

	random_order(&run->world.random, order, n);
	for (size_t i = 0; i < n; i++)
		engine_put(cluster, run->world.objects[order[i]].json, 0);
	run->shuffled = engine_compile(cluster, run->world.node);
	cluster_free(cluster);
}

static void run_init(struct run *run, uint64_t seed)
{
	size_t *order;
	char *list;

	*run = (struct run){ .seed = seed, .reasons_left = REASONS_PER_WORLD };
	world_init(&run->world, seed);
	order = calloc(run->world.n_objects, sizeof(*order));
	assert_non_null(order);
	for (size_t i = 0; i < run->world.n_objects; i++)
		order[i] = i;
	list = world_list(&run->world, order, run->world.n_objects);
	twin_init(&run->twin, run->world.node);
	twin_put(&run->twin, list);
	twin_compile(&run->twin);
	tell_halves(run, list);
	tell_shuffled(run, order);
	free(list);
	free(order);
}

static void run_release(struct run *run)
{
	twin_release(&run->twin);
	snapshot_free(run->shuffled);
	snapshot_free(run->halves[0]);
	snapshot_free(run->halves[1]);
	world_release(&run->world);
}

static struct side_explanation explain(const struct snapshot *snapshot,
				       const struct flow_key *key,
				       enum direction dir, struct arena *arena)
{
	struct explanation explanation;

	assert_int_equal(snapshot_explain(snapshot, key, arena, &explanation),
			 0);
	return explanation.sides[dir];
}

/* ---- order -------------------------------------------------------------- */

static bool same_name(const struct network_policy *a,
		      const struct network_policy *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a->namespace, b->namespace) == 0 &&
	       strcmp(a->name, b->name) == 0;
}

static bool same_rule(const struct run *run, const struct flow_key *key,
		      enum direction dir)
{
	struct side_explanation s, t;
	struct arena arena = { 0 };
	bool same;

	s = explain(run->twin.snapshot, key, dir, &arena);
	t = explain(run->shuffled, key, dir, &arena);
	same = s.rule == t.rule && same_name(s.policy, t.policy);
	arena_release(&arena);
	return same;
}

static void check_order(struct run *run, const struct probe *probe,
			bool explained)
{
	struct flow_key key = engine_key(probe);
	struct decision a = snapshot_decide(run->twin.snapshot, &key);
	struct decision b = snapshot_decide(run->shuffled, &key);
	struct writer complaint = { 0 };
	bool holds = a.verdict == b.verdict;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct side *s = &a.sides[dir], *t = &b.sides[dir];

		holds = holds && s->verdict == t->verdict &&
			s->reason == t->reason &&
			(!explained || same_rule(run, &key, dir));
	}
	if (!holds) {
		writer_add(&complaint, "the order of objects matters\n");
		twin_tell(&run->twin, probe, &complaint);
	}
	check(run, holds, &complaint);
}

/* ---- credit ------------------------------------------------------------- */

#define MAX_CREDITED 256

/* Who is counted is who is told of. */
static bool is_credited_as_explained(const struct run *run,
				     const struct flow_key *key,
				     enum direction dir)
{
	const struct network_policy *credited[MAX_CREDITED], *first = NULL;
	struct arena arena = { 0 };
	struct side_explanation s =
		explain(run->twin.snapshot, key, dir, &arena);
	bool denied = s.side.reason == REASON_NO_RULE_MATCHES;
	size_t n = denied ? s.n_isolating : s.policy != NULL;
	struct side side;
	bool same;

	assert_true(n <= MAX_CREDITED);
	same = snapshot_credit(run->twin.snapshot, key, dir, &side, credited,
			       MAX_CREDITED) == n &&
	       side.reason == s.side.reason && side.verdict == s.side.verdict;
	for (size_t i = 0; i < n && same; i++)
		same = credited[i] == (denied ? s.isolating[i] : s.policy);
	/* Where there is less room, as many fit, and no more are touched. */
	same = same && snapshot_credit(run->twin.snapshot, key, dir, &side,
				       NULL, 0) == n;
	if (same && n > 1)
		same = snapshot_credit(run->twin.snapshot, key, dir, &side,
				       &first, 1) == n &&
		       first == credited[0];
	arena_release(&arena);
	return same;
}

static void check_credit(struct run *run, const struct probe *probe)
{
	struct flow_key key = engine_key(probe);
	struct writer complaint = { 0 };
	bool holds = true;

	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		holds = holds && is_credited_as_explained(run, &key,
							  (enum direction)dir);
	if (!holds) {
		writer_add(&complaint, "another policy is credited\n");
		twin_tell(&run->twin, probe, &complaint);
	}
	check(run, holds, &complaint);
}

/* ---- union -------------------------------------------------------------- */

static bool is_isolated(const struct side *side)
{
	return side->reason == REASON_RULE ||
	       side->reason == REASON_NO_RULE_MATCHES;
}

/* Where both halves isolate the pod, the whole allows what either allows;
   where one does, the whole says what that one says; where none does, nothing
   is denied. */
static void check_union(struct run *run, const struct probe *probe,
			struct tally *tally)
{
	struct flow_key key = engine_key(probe);
	struct decision whole = snapshot_decide(run->twin.snapshot, &key);
	struct decision p = snapshot_decide(run->halves[0], &key);
	struct decision q = snapshot_decide(run->halves[1], &key);
	struct writer complaint = { 0 };
	bool holds = true;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct side *a = &p.sides[dir], *b = &q.sides[dir];
		enum verdict want = VERDICT_ALLOW;

		if (is_isolated(a) && is_isolated(b)) {
			want = a->verdict == VERDICT_ALLOW ? VERDICT_ALLOW
							   : b->verdict;
			tally->unions++;
		} else if (is_isolated(a)) {
			want = a->verdict;
		} else if (is_isolated(b)) {
			want = b->verdict;
		}
		holds = holds && want == whole.sides[dir].verdict;
	}
	if (!holds) {
		writer_add(&complaint, "policies do more than add (L22)\n");
		twin_tell(&run->twin, probe, &complaint);
	}
	check(run, holds, &complaint);
}

/* ---- reasons ------------------------------------------------------------ */

static const struct world_object *
find_policy(const struct world *world, const struct network_policy *policy)
{
	return world_find(world, WORLD_POLICY, policy->namespace, policy->name);
}

/* The policy without one rule. Its types are said aloud, because leaving out
   the last egress rule would change what they default to (NP-3). */
static char *without_rule(const char *json, const struct side_explanation *side,
			  enum direction dir)
{
	json_t *policy = json_loads(json, 0, NULL);
	json_t *spec = json_object_get(policy, "spec");
	json_t *types = json_array();
	char *text;

	for (int i = 0; i < N_DIRECTIONS; i++)
		if (side->policy->isolates[i])
			json_array_append_new(types,
					      json_string(i == DIRECTION_INGRESS
								  ? "Ingress"
								  : "Egress"));
	json_object_set_new(spec, "policyTypes", types);
	assert_int_equal(
		json_array_remove(json_object_get(spec, direction_name(dir)),
				  side->rule),
		0);
	text = json_dumps(policy, 0);
	json_decref(policy);
	return text;
}

static size_t count_allowing(struct run *run, const struct probe *probe,
			     enum direction dir)
{
	struct oracle_answer answer =
		oracle_ask(run->twin.oracle, run->world.node, probe);
	const struct oracle_side *side = &answer.sides[dir];
	size_t n = 0;

	for (size_t i = 0; i < side->n_rules; i++)
		n += side->rules[i].port_fits && side->rules[i].peer_fits;
	return n;
}

static void check_agreement(struct run *run, const struct probe *probe,
			    bool explain)
{
	struct writer complaint = { 0 };

	check(run, twin_agrees(&run->twin, probe, explain, &complaint),
	      &complaint);
}

static void check_rule_matters(struct run *run, const struct probe *probe,
			       enum direction dir,
			       const struct side_explanation *side,
			       struct tally *tally)
{
	const struct world_object *object =
		find_policy(&run->world, side->policy);
	size_t n_allowing = count_allowing(run, probe, dir);
	char *text = without_rule(object->json, side, dir);
	struct flow_key key = engine_key(probe);
	struct writer complaint = { 0 };
	struct side now;

	twin_put(&run->twin, text);
	twin_compile(&run->twin);
	check_agreement(run, probe, true);
	now = snapshot_decide(run->twin.snapshot, &key).sides[dir];
	if (now.verdict == VERDICT_DENY)
		tally->flips++;
	else
		tally->others++;
	writer_add(&complaint, "without the named rule %s is %s, %zu allowed\n",
		   direction_name(dir), reason_name(now.reason), n_allowing);
	check(run,
	      now.reason ==
		      (n_allowing > 1 ? REASON_RULE : REASON_NO_RULE_MATCHES),
	      &complaint);
	twin_put(&run->twin, object->json);
	twin_compile(&run->twin);
	free(text);
}

static void check_policy_matters(struct run *run, const struct probe *probe,
				 const struct network_policy *policy)
{
	const struct world_object *object = find_policy(&run->world, policy);

	twin_delete(&run->twin, object->json);
	twin_compile(&run->twin);
	check_agreement(run, probe, true);
	twin_put(&run->twin, object->json);
	twin_compile(&run->twin);
}

static void check_reasons(struct run *run, const struct probe *probe,
			  struct tally *tally)
{
	struct flow_key key = engine_key(probe);
	struct arena arena = { 0 };

	for (int dir = 0; dir < N_DIRECTIONS && run->reasons_left > 0; dir++) {
		struct side_explanation side =
			explain(run->twin.snapshot, &key, dir, &arena);

		if (!is_isolated(&side.side))
			continue;
		run->reasons_left--;
		if (side.side.reason == REASON_RULE)
			check_rule_matters(run, probe, dir, &side, tally);
		else
			check_policy_matters(run, probe, side.isolating[0]);
	}
	arena_release(&arena);
}

/* ---- the run ------------------------------------------------------------ */

static void count(const struct run *run, const struct probe *probe,
		  struct tally *tally)
{
	struct flow_key key = engine_key(probe);
	struct decision d = snapshot_decide(run->twin.snapshot, &key);

	tally->probes++;
	tally->denied += d.verdict == VERDICT_DENY;
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		tally->by_rule += d.sides[dir].reason == REASON_RULE;
}

static void check_world(uint64_t seed, struct tally *tally)
{
	struct writer complaint = { 0 };
	struct run run;

	run_init(&run, seed);
	tally->worlds++;
	check(&run, twin_diverts_alike(&run.twin, &complaint), &complaint);
	for (size_t i = 0; i < PROBES_PER_WORLD; i++) {
		struct probe probe = world_probe(&run.world);

		bool explained = i % EXPLAIN_EVERY == 0;

		check_agreement(&run, &probe, explained);
		check_order(&run, &probe, explained);
		if (explained)
			check_credit(&run, &probe);
		check_union(&run, &probe, tally);
		check_reasons(&run, &probe, tally);
		count(&run, &probe, tally);
	}
	run_release(&run);
}

static void every_world_agrees(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t n_probes = random_setting("NETPOLD_PROBES", 1000000);
	struct tally tally = { 0 };

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_PROBES=%zu\n",
		      (unsigned long long)seed, n_probes);
	while (tally.probes < n_probes)
		check_world(seed++, &tally);
	print_message("# %zu probes in %zu worlds: %zu denied, %zu sides "
		      "allowed by a rule, %zu by a union; %zu verdicts "
		      "flipped without the named rule, %zu named another\n",
		      tally.probes, tally.worlds, tally.denied, tally.by_rule,
		      tally.unions, tally.flips, tally.others);
	if (tally.worlds < 100)
		return;
	assert_true(tally.denied > tally.probes / 20);
	assert_true(tally.by_rule > tally.probes / 20);
	assert_true(tally.flips > 0 && tally.others > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_world_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
