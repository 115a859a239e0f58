/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups and units, in random worlds:
 *
 *	what a cell says of two units is true of any two groups of theirs, asked
 *	flow by flow: allowed between all of them, some of them or none
 *	groups that are not of one unit are told apart by some other group
 *	the example of a cell is a flow that the oracle allows, or answers
 *	otherwise after a mutation
 *
 * NETPOLD_SEED and NETPOLD_PROBES set the seed and the number of cells. World n
 * of a run is that of seed + n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "netpold/grid.h"

#include "mutation.h"
#include "twin.h"
#include "world.h"

#define CELLS_PER_WORLD 100
/* Flows between two groups are all asked; in larger worlds they are many. */
#define MAX_PODS 40

struct run {
	uint64_t seed;
	struct world world;
	size_t n_views;
	struct twin twins[REACH_MAX_VIEWS];
	struct grid *grid;
	const struct grid_group *groups;
	size_t n_groups;
	const struct grid_unit *units;
	size_t n_units;
	const struct reach_pod *pods;
	size_t n_pods;
	const struct reach_range *ranges;
	size_t n_ranges;
	bool narrowed;
};

struct tally {
	size_t worlds, cells, flows, all, some, none, examples, merged, apart;
};

static void fail_run(const struct run *run, const char *what)
{
	fail_msg("world of NETPOLD_SEED=%llu: %s",
		 (unsigned long long)run->seed, what);
}

/* ---- a world and its grid ----------------------------------------------- */

static void tell_twins(struct run *run)
{
	char **after = calloc(run->world.n_objects, sizeof(*after));

	assert_non_null(after);
	mutate(&run->world,
	       run->n_views == 1
		       ? MUTATION_NONE
		       : random_below(&run->world.random, N_MUTATIONS),
	       after);
	for (size_t v = 0; v < run->n_views; v++)
		twin_init(&run->twins[v], NULL);
	for (size_t i = 0; i < run->world.n_objects; i++) {
		twin_put(&run->twins[REACH_OLD], run->world.objects[i].json);
		if (run->n_views == 2 && after[i])
			twin_put(&run->twins[REACH_NEW], after[i]);
		free(after[i]);
	}
	free(after);
	for (size_t v = 0; v < run->n_views; v++)
		twin_compile(&run->twins[v]);
}

static void run_init(struct run *run, uint64_t seed)
{
	struct grid_options options = { .hash_key = { seed, ~seed } };
	const char *namespace = world_namespace_name(seed % 3);

	*run = (struct run){ .seed = seed };
	world_init(&run->world, seed);
	run->n_views = 1 + random_below(&run->world.random, 2);
	tell_twins(run);
	for (size_t v = 0; v < run->n_views; v++)
		options.snapshots[v] = run->twins[v].snapshot;
	options.n_snapshots = run->n_views;
	options.by = random_below(&run->world.random, 3);
	run->narrowed = random_percent(&run->world.random, 20);
	if (run->narrowed) {
		options.namespaces = &namespace;
		options.n_namespaces = 1;
	}
	assert_int_equal(0, grid_new(&options, &run->grid, NULL));
	run->groups = grid_groups(run->grid, &run->n_groups);
	run->units = grid_units(run->grid, &run->n_units);
	run->pods = reach_pods(grid_reach(run->grid), &run->n_pods);
	run->ranges = reach_ranges(grid_reach(run->grid), &run->n_ranges);
}

static void run_release(struct run *run)
{
	grid_free(run->grid);
	for (size_t v = 0; v < run->n_views; v++)
		twin_release(&run->twins[v]);
	world_release(&run->world);
}

/* ---- flow by flow ------------------------------------------------------- */

/* Ends of flows: pods, then ranges. Members of units: groups, then ranges. */
static size_t member_of(const struct run *run, size_t end)
{
	return end < run->n_pods ? grid_group_of(run->grid, (uint32_t)end)
				 : run->n_groups + end - run->n_pods;
}

static uint32_t unit_of(const struct run *run, size_t member)
{
	if (member < run->n_groups)
		return run->groups[member].unit;
	for (uint32_t i = 0; i < run->n_units; i++) {
		for (uint32_t k = 0; k < run->units[i].n_members; k++) {
			if (run->units[i].is_outside &&
			    run->units[i].members[k] == member - run->n_groups)
				return i;
		}
	}
	fail_run(run, "a range is of no unit");
	return 0;
}

static struct ip_addr addr_of(const struct run *run, size_t end, size_t view)
{
	return end < run->n_pods ? run->pods[end].addrs[view]
				 : run->ranges[end - run->n_pods].example;
}

static bool is_flow(const struct run *run, size_t from, size_t to)
{
	if (from >= run->n_pods && to >= run->n_pods)
		return false;
	if (from < run->n_pods && to < run->n_pods &&
	    run->pods[from].pods[0] == run->pods[to].pods[0])
		return false;
	return addr_of(run, from, 0).family == addr_of(run, to, 0).family;
}

/* Whether it comes from a pod's own node in either snapshot, so that it is no
   change. */
static bool is_from_own_node(const struct run *run, const struct flow_key *keys)
{
	for (size_t v = 0; v < run->n_views && run->n_views > 1; v++) {
		const struct snapshot *snapshot = run->twins[v].snapshot;

		if (!snapshot_pod_by_address(snapshot, &keys[v].src) &&
		    snapshot_is_node_of(
			    snapshot, &keys[v].src,
			    snapshot_pod_by_address(snapshot, &keys[v].dst)))
			return true;
	}
	return false;
}

/* What is true of a flow: allowed; or, of two snapshots, which change. -1: of
   nothing. */
static int ask(const struct run *run, const struct flow_key *keys)
{
	struct decision old, new;
	bool by_ingress;

	old = snapshot_decide(run->twins[REACH_OLD].snapshot, &keys[0]);
	if (run->n_views == 1)
		return old.verdict == VERDICT_ALLOW ? 0 : -1;
	new = snapshot_decide(run->twins[REACH_NEW].snapshot, &keys[1]);
	if (old.verdict == new.verdict)
		return -1;
	by_ingress = (new.verdict == VERDICT_DENY ? new : old)
			     .sides[DIRECTION_INGRESS]
			     .verdict == VERDICT_DENY;
	if (new.verdict == VERDICT_ALLOW)
		return by_ingress ? OPENS_BY_INGRESS : OPENS_BY_EGRESS;
	return by_ingress ? CLOSES_BY_INGRESS : CLOSES_BY_EGRESS;
}

/* All flows between two members at a slot. */
enum truth { OF_NO_FLOW, OF_NONE, OF_SOME, OF_ALL };

static enum truth truth_of(const struct run *run, size_t from, size_t to,
			   uint32_t slot, int change, struct tally *tally)
{
	size_t n_ends = run->n_pods + run->n_ranges, n = 0, n_true = 0;

	for (size_t i = 0; i < n_ends; i++) {
		if (member_of(run, i) != from)
			continue;
		for (size_t k = 0; k < n_ends; k++) {
			struct flow_key keys[REACH_MAX_VIEWS] = { 0 };

			if (member_of(run, k) != to || !is_flow(run, i, k))
				continue;
			for (size_t v = 0; v < run->n_views; v++) {
				keys[v].src = addr_of(run, i, v);
				keys[v].dst = addr_of(run, k, v);
				slot_apply(slot, &keys[v]);
			}
			if (is_from_own_node(run, keys))
				continue;
			n++;
			n_true += ask(run, keys) == change;
		}
	}
	tally->flows += n;
	if (n == 0)
		return OF_NO_FLOW;
	if (n_true == 0)
		return OF_NONE;
	return n_true == n ? OF_ALL : OF_SOME;
}

/* Whether a group has but one address of some family, and more of the other: it
   has no flow of that family to itself, and what is true of the others is not
   all that its unit's cell speaks of. */
static bool lacks_a_family(const struct run *run, size_t member)
{
	size_t n[2] = { 0, 0 };

	if (member >= run->n_groups)
		return false;
	for (size_t i = 0; i < run->n_pods; i++)
		n[addr_of(run, i, 0).family == IP_V6] +=
			member_of(run, i) == member;
	return (n[0] == 1) != (n[1] == 1);
}

static bool is_true_of(const struct run *run, size_t from, size_t to,
		       enum truth cell, enum truth here)
{
	if (here == OF_NO_FLOW || here == cell)
		return true;
	return from == to && cell == OF_SOME && lacks_a_family(run, from);
}

/* ---- cells -------------------------------------------------------------- */

static bool set_has(const struct run *run, uint32_t set, uint32_t slot)
{
	size_t n = grid_n_ranges(run->grid, set);
	struct slot_range *ranges = calloc(n + 1, sizeof(*ranges));
	bool has = false;

	assert_non_null(ranges);
	grid_ranges(run->grid, set, ranges);
	for (size_t i = 0; i < n; i++) {
		has |= ranges[i].first <= slot && slot <= ranges[i].last;
		if (i > 0 && ranges[i - 1].last + 1 >= ranges[i].first)
			fail_run(run, "ranges touch");
	}
	free(ranges);
	return has;
}

static enum truth cell_says(const struct run *run, struct grid_cell cell,
			    uint32_t slot)
{
	if (set_has(run, cell.all, slot))
		return OF_ALL;
	return set_has(run, cell.some, slot) ? OF_SOME : OF_NONE;
}

static uint32_t pick_slot(struct run *run)
{
	struct probe probe = world_probe(&run->world);
	struct flow_key key = engine_key(&probe);

	return slot_of(&key);
}

/* In both snapshots the oracle is asked, too. */
static void check_example(struct run *run, uint32_t from, uint32_t to,
			  uint32_t slot, int change)
{
	struct flow_key keys[REACH_MAX_VIEWS] = { 0 };

	assert_int_equal(0,
			 grid_example(run->grid, from, to, change, slot, keys));
	if (ask(run, keys) != change)
		fail_run(run, "an example is no example");
	if (is_from_own_node(run, keys))
		fail_run(run, "an example is of the own node");
	for (size_t v = 0; v < run->n_views; v++) {
		bool allowed = snapshot_decide(run->twins[v].snapshot, &keys[v])
				       .verdict == VERDICT_ALLOW;
		struct probe probe = { .family = keys[v].src.family,
				       .protocol = keys[v].protocol,
				       .has_port = keys[v].has_port,
				       .port = keys[v].dst_port };

		memcpy(probe.src, keys[v].src.bytes, 16);
		memcpy(probe.dst, keys[v].dst.bytes, 16);
		if (oracle_ask(run->twins[v].oracle, NULL, &probe).allow !=
		    allowed)
			fail_run(run, "the oracle does not think so");
	}
}

/* One slot of one cell, against all members of both units. */
static void check_cell(struct run *run, uint32_t to,
		       const struct grid_column *column, struct tally *tally)
{
	struct random *random = &run->world.random;
	int change = run->n_views == 1
			     ? 0
			     : (int)random_below(random, N_REACH_CHANGES);
	uint32_t from = (uint32_t)random_below(random, run->n_units);
	uint32_t slot = pick_slot(run);
	enum truth truth;

	if (column->n_sources > 0 && random_percent(random, 70))
		from = column->sources[random_below(random, column->n_sources)];
	if (!run->units[from].is_inside && !run->units[to].is_inside)
		return;
	truth = cell_says(run, column->cells[change][from], slot);
	for (size_t i = 0; i < run->n_groups + run->n_ranges; i++) {
		for (size_t k = 0; k < run->n_groups + run->n_ranges; k++) {
			enum truth here;

			if (unit_of(run, i) != from || unit_of(run, k) != to)
				continue;
			here = truth_of(run, i, k, slot, change, tally);
			if (!is_true_of(run, i, k, truth, here))
				fail_run(run, "a cell says otherwise");
		}
	}
	tally->cells++;
	tally->all += truth == OF_ALL;
	tally->some += truth == OF_SOME;
	tally->none += truth == OF_NONE;
	if (truth == OF_ALL || truth == OF_SOME) {
		check_example(run, from, to, slot, change);
		tally->examples++;
	}
}

static void check_cells(struct run *run, struct tally *tally)
{
	for (size_t i = 0; i < CELLS_PER_WORLD; i++) {
		uint32_t to = (uint32_t)random_below(&run->world.random,
						     run->n_units);
		struct grid_column column;

		assert_int_equal(0, grid_column(run->grid, to, &column));
		check_cell(run, to, &column, tally);
	}
}

/* ---- units -------------------------------------------------------------- */

/* Whether two units are the same to all others, and to themselves. */
static bool are_alike(struct run *run, uint32_t a, uint32_t b)
{
	for (uint32_t to = 0; to < run->n_units; to++) {
		struct grid_column column;

		assert_int_equal(0, grid_column(run->grid, to, &column));
		for (size_t k = 0; k < (run->n_views == 1 ? 1 : 4); k++) {
			struct grid_cell p = column.cells[k][a];
			struct grid_cell q = column.cells[k][b];

			if (p.all != q.all || p.some != q.some)
				return false;
		}
	}
	return true;
}

static bool are_columns_alike(struct run *run, uint32_t a, uint32_t b)
{
	size_t n_layers = run->n_views == 1 ? 1 : 4;
	size_t n = run->n_units * n_layers;
	struct grid_cell *kept = calloc(n, sizeof(*kept));
	struct grid_column column;
	bool alike = true;

	assert_non_null(kept);
	assert_int_equal(0, grid_column(run->grid, a, &column));
	for (size_t i = 0; i < n; i++)
		kept[i] = column.cells[i / run->n_units][i % run->n_units];
	assert_int_equal(0, grid_column(run->grid, b, &column));
	for (size_t i = 0; i < n; i++) {
		struct grid_cell cell =
			column.cells[i / run->n_units][i % run->n_units];

		alike &= kept[i].all == cell.all && kept[i].some == cell.some;
	}
	free(kept);
	return alike;
}

/* Whether it is one group, with a pod that is alone in its class there. */
static bool has_a_lone_pod(const struct run *run, uint32_t unit)
{
	const struct grid_unit *u = &run->units[unit];
	size_t n;
	const uint32_t *classes = grid_classes(run->grid, unit, &n);

	if (u->n_members != 1)
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t n_pods = 0;

		for (size_t k = 0; k < run->n_pods; k++)
			n_pods += unit_of(run, member_of(run, k)) == unit &&
				  run->pods[k].class == classes[i];
		if (n_pods == 1)
			return true;
	}
	return false;
}

/* Isolation tells pods apart even where it lets everything in. A lone pod has
   no flow to its own kind, and may be apart for what such a one would do. */
static bool may_be_merged(const struct run *run, uint32_t a, uint32_t b)
{
	const struct grid_unit *p = &run->units[a], *q = &run->units[b];

	if (p->is_outside != q->is_outside || p->is_inside != q->is_inside)
		return false;
	if (has_a_lone_pod(run, a) || has_a_lone_pod(run, b))
		return false;
	return run->n_views == 2 ||
	       memcmp(p->isolated, q->isolated, sizeof(p->isolated)) == 0;
}

static void check_units(struct run *run, struct tally *tally)
{
	for (uint32_t a = 0; a < run->n_units; a++) {
		tally->merged += run->units[a].n_members > 1;
		for (uint32_t b = 0; b < a; b++) {
			if (!may_be_merged(run, a, b))
				continue;
			if (are_alike(run, a, b) &&
			    are_columns_alike(run, a, b))
				fail_run(run, "two units are the same");
			tally->apart++;
		}
	}
}

static void check_numbers(const struct run *run)
{
	size_t n_pods = 0, n_members = 0;

	for (size_t i = 0; i < run->n_units; i++) {
		n_pods += run->units[i].n_pods;
		n_members += run->units[i].n_members;
	}
	for (size_t i = 0; i < run->n_groups; i++)
		n_pods -= run->groups[i].n_pods;
	if (n_pods != 0 || n_members != run->n_groups + run->n_ranges)
		fail_run(run, "somebody is in no unit, or in two");
}

/* ---- the run ------------------------------------------------------------ */

static void check_world(uint64_t seed, struct tally *tally)
{
	struct run run;

	run_init(&run, seed);
	check_numbers(&run);
	if (run.n_units > 0 && run.n_pods <= MAX_PODS) {
		check_cells(&run, tally);
		check_units(&run, tally);
		tally->worlds++;
	}
	run_release(&run);
}

/* Worlds that were found by chance, and are worth a look each time. */
static const uint64_t worlds[] = {
	/* A group of three addresses, one of which has nobody of its family to
	   talk to but itself. */
	1882928779886743,
	/* A group of three pods that is apart for what one of them, alone in
	   its class, would do to another like it. */
	1883047533215817,
};

static void cells_are_true_in_worlds_that_were_found(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++)
		check_world(worlds[i], &tally);
	assert_true(tally.cells > 0);
}

static void cells_are_true_of_all_their_flows(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t n_probes = random_setting("NETPOLD_PROBES", 30000);
	struct tally tally = { 0 };

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_PROBES=%zu\n",
		      (unsigned long long)seed, n_probes);
	while (tally.cells < n_probes)
		check_world(seed++, &tally);
	print_message("# %zu cells and %zu flows in %zu worlds: %zu of all, "
		      "%zu of some, %zu of none; %zu units of several "
		      "members, %zu pairs of units apart\n",
		      tally.cells, tally.flows, tally.worlds, tally.all,
		      tally.some, tally.none, tally.merged, tally.apart);
	if (tally.worlds < 100)
		return;
	assert_true(tally.all > tally.cells / 20);
	assert_true(tally.some > tally.cells / 300);
	assert_true(tally.none > tally.cells / 20);
	assert_true(tally.merged > tally.worlds / 10);
	assert_true(tally.apart > tally.worlds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_true_in_worlds_that_were_found),
		cmocka_unit_test(cells_are_true_of_all_their_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
