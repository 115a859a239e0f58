/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may reach whom, in random worlds:
 *
 *	every address is of exactly one class
 *	what a column allows, the engine and the oracle allow, and nothing else
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
#include <time.h>

#include <cmocka.h>

#include "netpold/reach.h"

#include "endpoint_class.h"
#include "twin.h"
#include "world.h"

#define PROBES_PER_WORLD 500

struct run {
	uint64_t seed;
	struct world world;
	struct twin twin;
	struct reach *reach;
};

struct tally {
	size_t worlds, probes, allowed, outside, named, classes, pods;
};

static void run_init(struct run *run, uint64_t seed)
{
	struct reach_options options = { .n_snapshots = 1 };

	*run = (struct run){ .seed = seed };
	world_init(&run->world, seed);
	/* Every pod is judged: nobody asks for a node. */
	twin_init(&run->twin, NULL);
	for (size_t i = 0; i < run->world.n_objects; i++)
		twin_put(&run->twin, run->world.objects[i].json);
	twin_compile(&run->twin);
	options.snapshots[0] = run->twin.snapshot;
	assert_int_equal(0, reach_new(&options, &run->reach, NULL));
}

static void run_release(struct run *run)
{
	reach_free(run->reach);
	twin_release(&run->twin);
	world_release(&run->world);
}

static void fail_run(struct run *run, const struct probe *probe,
		     const char *what)
{
	struct writer complaint = { 0 };

	twin_tell(&run->twin, probe, &complaint);
	fprintf(stderr, "%s\n", complaint.data);
	for (size_t i = 0; i < run->world.n_objects; i++)
		fprintf(stderr, "%s\n", run->world.objects[i].json);
	writer_release(&complaint);
	fail_msg("world of NETPOLD_SEED=%llu: %s",
		 (unsigned long long)run->seed, what);
}

static bool column_allows(struct run *run, uint32_t from, uint32_t to,
			  uint32_t slot)
{
	struct reach_column column;

	assert_int_equal(0, reach_column(run->reach, REACH_OLD, to, &column));
	for (size_t i = 0; i < column.n; i++) {
		const struct reach_segment *s = &column.segments[i];

		if (s->slots.first <= slot && slot <= s->slots.last)
			return class_bits_has(&s->sources[0], from);
	}
	return false;
}

static void check_probe(struct run *run, const struct probe *probe,
			struct tally *tally)
{
	struct flow_key key = engine_key(probe);
	struct endpoint_class src = find_class(run->reach, REACH_OLD, &key.src);
	struct endpoint_class dst = find_class(run->reach, REACH_OLD, &key.dst);
	bool want = snapshot_decide(run->twin.snapshot, &key).verdict ==
		    VERDICT_ALLOW;
	bool is_self = src.pod && src.pod == dst.pod;

	/* Families without pods have no classes. */
	if ((src.pod || dst.pod) && (src.n != 1 || dst.n != 1))
		fail_run(run, probe, "an address is not of one class");
	if (want != oracle_ask(run->twin.oracle, NULL, probe).allow)
		fail_run(run, probe, "the engine and the oracle disagree");
	if (is_self || (!src.pod && !dst.pod)) {
		if (!want)
			fail_run(run, probe, "what always passes is denied");
		return;
	}
	if (column_allows(run, src.class, dst.class, slot_of(&key)) != want)
		fail_run(run, probe, "the column says otherwise");
	tally->probes++;
	tally->allowed += want;
	tally->outside += !src.pod || !dst.pod;
}

static void check_world(uint64_t seed, struct tally *tally)
{
	struct run run;
	size_t n;

	run_init(&run, seed);
	for (size_t i = 0; i < PROBES_PER_WORLD; i++) {
		struct probe probe = world_probe(&run.world);

		probe.from_own_node = false;
		check_probe(&run, &probe, tally);
	}
	tally->worlds++;
	reach_classes(run.reach, &n);
	tally->classes += n;
	reach_pods(run.reach, &n);
	tally->pods += n;
	run_release(&run);
}

static void columns_say_what_is_decided(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t n_probes = random_setting("NETPOLD_PROBES", 400000);
	struct tally tally = { 0 };

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_PROBES=%zu\n",
		      (unsigned long long)seed, n_probes);
	while (tally.probes < n_probes)
		check_world(seed++, &tally);
	print_message("# %zu probes in %zu worlds, %zu allowed, %zu with one "
		      "end outside; %zu pods in %zu classes\n",
		      tally.probes, tally.worlds, tally.allowed, tally.outside,
		      tally.pods, tally.classes);
	if (tally.worlds < 100)
		return;
	assert_true(tally.allowed > tally.probes / 20);
	assert_true(tally.allowed < tally.probes - tally.probes / 20);
	assert_true(tally.outside > tally.probes / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_say_what_is_decided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
