/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is different between two worlds, where the second is the first with a
 * small mutation:
 *
 *	a column of changes names a flow exactly where the engine, asked twice,
 *	and the oracle, asked twice, answer differently; and the side that
 *	denies it
 *	what only says the same in another way has no changes
 *	the example of each change is a flow that differs in the oracle
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

#include "netpold/reach.h"

#include "mutation.h"
#include "twin.h"
#include "world.h"

#define DESTINATIONS_PER_WORLD 20
#define PROBES_PER_DESTINATION 25
#define EXAMPLES_PER_WORLD 200

struct run {
	uint64_t seed;
	struct world world;
	enum mutation mutation;
	struct twin twins[REACH_MAX_VIEWS];
	struct reach *reach;
};

struct tally {
	size_t worlds, probes, opens, closes, examples, empty, leftovers;
};

static void run_init(struct run *run, uint64_t seed)
{
	struct reach_options options = { .n_snapshots = 2 };
	char **after;

	*run = (struct run){ .seed = seed };
	world_init(&run->world, seed);
	run->mutation = random_below(&run->world.random, N_MUTATIONS);
	after = calloc(run->world.n_objects, sizeof(*after));
	assert_non_null(after);
	mutate(&run->world, run->mutation, after);
	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		twin_init(&run->twins[v], NULL);
	for (size_t i = 0; i < run->world.n_objects; i++) {
		twin_put(&run->twins[REACH_OLD], run->world.objects[i].json);
		if (after[i])
			twin_put(&run->twins[REACH_NEW], after[i]);
		free(after[i]);
	}
	free(after);
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		twin_compile(&run->twins[v]);
		options.snapshots[v] = run->twins[v].snapshot;
	}
	assert_int_equal(0, reach_new(&options, &run->reach, NULL));
}

static void run_release(struct run *run)
{
	reach_free(run->reach);
	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		twin_release(&run->twins[v]);
	world_release(&run->world);
}

static void fail_run(const struct run *run, const char *what)
{
	fail_msg("world of NETPOLD_SEED=%llu, mutation %s: %s",
		 (unsigned long long)run->seed, mutation_name(run->mutation),
		 what);
}

static bool says_the_same(const struct run *run)
{
	return run->mutation == MUTATION_NONE ||
	       run->mutation == MUTATION_WRITING;
}

/* ---- asking all four ---------------------------------------------------- */

static struct probe probe_of(const struct flow_key *key)
{
	struct probe probe = {
		.family = key->src.family,
		.protocol = key->protocol,
		.has_port = key->has_port,
		.port = key->dst_port,
	};

	memcpy(probe.src, key->src.bytes, 16);
	memcpy(probe.dst, key->dst.bytes, 16);
	return probe;
}

/* Whether it comes from the own node of the pod that it goes to, in either
   world: then no column is about it. */
static bool is_from_own_node(struct run *run,
			     const struct flow_key keys[REACH_MAX_VIEWS])
{
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		struct oracle *oracle = run->twins[v].oracle;
		struct probe probe = probe_of(&keys[v]);
		struct oracle_answer answer = oracle_ask(oracle, NULL, &probe);
		struct oracle_side receiver = answer.sides[ORACLE_INGRESS];

		if (!answer.sides[ORACLE_EGRESS].pod_ns && receiver.pod_ns &&
		    oracle_is_node_of(oracle, probe.family, probe.src,
				      receiver.pod_ns, receiver.pod_name))
			return true;
	}
	return false;
}

static struct decision ask(struct run *run, enum reach_view view,
			   const struct flow_key *key)
{
	struct twin *twin = &run->twins[view];
	struct decision decision = snapshot_decide(twin->snapshot, key);
	struct probe probe = probe_of(key);

	if (oracle_ask(twin->oracle, NULL, &probe).allow !=
	    (decision.verdict == VERDICT_ALLOW))
		fail_run(run, "the engine and the oracle disagree");
	return decision;
}

/* As enum reach_change has it; -1: no change. */
static int find_change(const struct decision decisions[REACH_MAX_VIEWS])
{
	enum verdict old = decisions[REACH_OLD].verdict;
	enum verdict new = decisions[REACH_NEW].verdict;
	const struct decision *denial =
		&decisions[new == VERDICT_DENY ? REACH_NEW : REACH_OLD];
	bool by_ingress =
		denial->sides[DIRECTION_INGRESS].verdict == VERDICT_DENY;

	if (old == new)
		return -1;
	if (new == VERDICT_ALLOW)
		return by_ingress ? OPENS_BY_INGRESS : OPENS_BY_EGRESS;
	return by_ingress ? CLOSES_BY_INGRESS : CLOSES_BY_EGRESS;
}

/* ---- probes ------------------------------------------------------------- */

/* An end of a flow: a pod, or a range outside. */
struct end {
	const struct reach_pod *pod;
	const struct reach_range *range;
	uint32_t class;
};

static struct end pick_end(struct run *run)
{
	struct random *random = &run->world.random;
	size_t n_pods, n_ranges, at;
	const struct reach_pod *pods = reach_pods(run->reach, &n_pods);
	const struct reach_range *ranges = reach_ranges(run->reach, &n_ranges);

	at = random_below(random, n_pods);
	if (n_ranges == 0 || random_percent(random, 70))
		return (struct end){ &pods[at], NULL, pods[at].class };
	at = random_below(random, n_ranges);
	return (struct end){ NULL, &ranges[at], ranges[at].class };
}

static struct ip_addr addr_of(const struct end *end, enum reach_view view)
{
	return end->pod ? end->pod->addrs[view] : end->range->example;
}

static int column_says(const struct reach_column *column, uint32_t from,
		       uint32_t slot)
{
	for (size_t i = 0; i < column->n; i++) {
		const struct reach_segment *s = &column->segments[i];

		if (slot < s->slots.first || slot > s->slots.last)
			continue;
		for (int k = 0; k < N_REACH_CHANGES; k++) {
			if (class_bits_has(&s->sources[k], from))
				return k;
		}
	}
	return -1;
}

static void check_probe(struct run *run, const struct end *to,
			const struct reach_column *column, struct tally *tally)
{
	struct end from = pick_end(run);
	struct probe probe = world_probe(&run->world);
	struct decision decisions[REACH_MAX_VIEWS];
	struct flow_key keys[REACH_MAX_VIEWS];
	int change;

	if ((!from.pod && !to->pod) || (from.pod && from.pod == to->pod) ||
	    addr_of(&from, REACH_OLD).family != addr_of(to, REACH_OLD).family)
		return;
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		keys[v] = engine_key(&probe);
		keys[v].from_own_node = false;
		keys[v].src = addr_of(&from, v);
		keys[v].dst = addr_of(to, v);
	}
	if (is_from_own_node(run, keys))
		return;
	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		decisions[v] = ask(run, v, &keys[v]);
	change = find_change(decisions);
	if (column_says(column, from.class, slot_of(&keys[0])) != change)
		fail_run(run, "the column says otherwise");
	if (change >= 0 && says_the_same(run))
		fail_run(run, "something has changed");
	tally->probes++;
	tally->opens += change == OPENS_BY_INGRESS || change == OPENS_BY_EGRESS;
	tally->closes +=
		change == CLOSES_BY_INGRESS || change == CLOSES_BY_EGRESS;
}

static void check_probes(struct run *run, struct tally *tally)
{
	for (size_t i = 0; i < DESTINATIONS_PER_WORLD; i++) {
		struct end to = pick_end(run);
		struct reach_column column;

		assert_int_equal(0,
				 reach_changes(run->reach, to.class, &column));
		for (size_t k = 0; k < PROBES_PER_DESTINATION; k++)
			check_probe(run, &to, &column, tally);
	}
}

/* ---- examples ----------------------------------------------------------- */

static struct ip_addr member_addr(struct run *run, uint32_t class, size_t i,
				  uint32_t other, enum reach_view view)
{
	size_t n;
	const struct reach_class *classes = reach_classes(run->reach, &n);
	const struct reach_class *c = &classes[class];

	return c->is_outside
		       ? reach_outside_example(run->reach, class,
					       classes[other].members[0])
		       : reach_pods(run->reach, &n)[c->members[i]].addrs[view];
}

static void check_example(struct run *run, uint32_t from, uint32_t to,
			  uint32_t slot, int change)
{
	struct decision decisions[REACH_MAX_VIEWS];
	struct flow_key keys[REACH_MAX_VIEWS] = { 0 };

	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		keys[v].src = member_addr(run, from, 0, to, v);
		keys[v].dst = member_addr(run, to, from == to, from, v);
		slot_apply(slot, &keys[v]);
	}
	if (is_from_own_node(run, keys))
		fail_run(run, "an example is of the own node");
	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		decisions[v] = ask(run, v, &keys[v]);
	if (find_change(decisions) != change)
		fail_run(run, "an example does not differ");
}

static void check_segment(struct run *run, const struct reach_segment *segment,
			  uint32_t to, size_t *n)
{
	size_t n_classes;
	const struct reach_class *classes =
		reach_classes(run->reach, &n_classes);
	struct random *random = &run->world.random;

	for (int k = 0; k < N_REACH_CHANGES; k++) {
		for (uint32_t from = 0; from < n_classes; from++) {
			if (!class_bits_has(&segment->sources[k], from) ||
			    (from == to && classes[to].n_members == 1) ||
			    *n == EXAMPLES_PER_WORLD)
				continue;
			check_example(run, from, to,
				      (uint32_t)random_between(
					      random, segment->slots.first,
					      segment->slots.last),
				      k);
			++*n;
		}
	}
}

static size_t check_examples(struct run *run)
{
	size_t n_classes, n = 0;

	reach_classes(run->reach, &n_classes);
	for (uint32_t to = 0; to < n_classes; to++) {
		struct reach_column column;

		assert_int_equal(0, reach_changes(run->reach, to, &column));
		for (size_t i = 0; i < column.n; i++)
			check_segment(run, &column.segments[i], to, &n);
	}
	return n;
}

/* ---- the run ------------------------------------------------------------ */

static void check_world(uint64_t seed, struct tally *tally)
{
	size_t n_pods, n_leftovers, n_examples;
	struct run run;

	run_init(&run, seed);
	reach_pods(run.reach, &n_pods);
	if (n_pods > 0)
		check_probes(&run, tally);
	n_examples = check_examples(&run);
	if (n_examples > 0 &&
	    (run.mutation == MUTATION_NONE || run.mutation == MUTATION_WRITING))
		fail_run(&run, "something has changed");
	reach_leftovers(run.reach, &n_leftovers);
	tally->worlds++;
	tally->examples += n_examples;
	tally->empty += n_examples == 0;
	tally->leftovers += n_leftovers;
	run_release(&run);
}

static void changes_are_what_is_decided_otherwise(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t n_probes = random_setting("NETPOLD_PROBES", 200000);
	struct tally tally = { 0 };

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_PROBES=%zu\n",
		      (unsigned long long)seed, n_probes);
	while (tally.probes < n_probes)
		check_world(seed++, &tally);
	print_message("# %zu probes in %zu worlds, %zu open and %zu close; "
		      "%zu worlds do not differ, %zu examples do; %zu pods "
		      "are in one world only\n",
		      tally.probes, tally.worlds, tally.opens, tally.closes,
		      tally.empty, tally.examples, tally.leftovers);
	if (tally.worlds < 100)
		return;
	assert_true(tally.opens > tally.probes / 200);
	assert_true(tally.closes > tally.probes / 500);
	assert_true(tally.examples > tally.worlds);
	assert_true(tally.leftovers > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_what_is_decided_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
