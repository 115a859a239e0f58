/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one change costs the thread that makes it: the event to the store, the
 * new snapshot, and freeing what the old one alone had. A sample is the mean
 * over some hundred changes, each anywhere in the cluster.
 *
 * Half of the pods that come and go are the measured node's, as one in a
 * hundred is; policies that change are those of its pods.
 *
 * After each sample the snapshot, changed so many times, has to answer as one
 * that is compiled from nothing; in the end everything is as it was, and the
 * oracle is asked.
 */
#include <err.h>
#include <stdbool.h>

#include "netpold/compiler.h"

#include "twin/random.h"

#include "agreement.h"
#include "engine.h"
#include "questions.h"
#include "stopwatch.h"
#include "workload.h"

#define CHANGES_PER_SAMPLE 400
#define MOST_FOR_ORACLE 200

struct world {
	size_t n;
	struct cluster *cluster;
	struct compiler *compiler;
	struct snapshot *snapshot;
	struct questions questions;
	struct random random;
	/* since the last sample */
	double spent_ns;
	size_t n_changes;
	/* since the beginning */
	struct update work;
	size_t n_all_changes;
};

static const struct snapshot_options this_node = {
	.node_name = WORKLOAD_NODE,
};

/* ---- one change --------------------------------------------------------- */

static void apply(struct world *world, struct object object, bool gone)
{
	struct snapshot *next;
	struct update update;
	double begin_ns = stopwatch_cpu_ns();
	int r = gone ? cluster_delete(world->cluster, &object, 0)
		     : cluster_put(world->cluster, &object, 0);

	if (r < 0 ||
	    compiler_compile(world->compiler, &next, &update, NULL) < 0)
		errx(2, "no memory for a change");
	snapshot_free(world->snapshot);
	world->spent_ns += stopwatch_cpu_ns() - begin_ns;
	if (r == 0)
		errx(2, "a change has changed nothing");
	world->snapshot = next;
	world->n_changes++;
	world->work.n_identities += update.n_identities;
	world->work.n_peer_sets += update.n_peer_sets;
	world->work.n_rule_tables += update.n_rule_tables;
	world->work.n_addresses += update.n_addresses;
}

static void put(struct world *world, struct object object)
{
	const bool gone = false;

	apply(world, object, gone);
}

static void delete (struct world *world, struct object object)
{
	const bool gone = true;

	apply(world, object, gone);
}

/* ---- a world to change -------------------------------------------------- */

static void world_init(struct world *world,
		       const struct engine_options *options)
{
	struct err trouble;

	*world = (struct world){
		.n = options->n,
		.cluster = workload_cluster(options->n),
		.questions =
			questions_of_workload(options->n, options->n_questions),
		.random = { 1 },
	};
	if (compiler_new(world->cluster, &this_node, &world->compiler,
			 &trouble) < 0 ||
	    compiler_compile(world->compiler, &world->snapshot, NULL,
			     &trouble) < 0)
		errx(2, "%s", trouble.message);
}

static void world_release(struct world *world)
{
	questions_release(&world->questions);
	snapshot_free(world->snapshot);
	compiler_free(world->compiler);
	cluster_free(world->cluster);
}

static void check(const struct world *world)
{
	struct answers changed =
		questions_ask(&world->questions, world->snapshot);
	struct answers compiled;
	struct snapshot *fresh;
	struct err trouble;

	if (snapshot_compile(world->cluster, &this_node, &fresh, &trouble) < 0)
		errx(2, "%s", trouble.message);
	compiled = questions_ask(&world->questions, fresh);
	snapshot_free(fresh);
	answers_require_same(&changed, &compiled,
			     "changed again and again, not compiled");
}

/* Ends a sample; returns the microseconds of a change. */
static double take_sample(struct world *world)
{
	double us = world->spent_ns / 1e3 / (double)world->n_changes;

	world->n_all_changes += world->n_changes;
	world->n_changes = 0;
	world->spent_ns = 0;
	workload_forget();
	check(world);
	return us;
}

static void describe(const struct world *world,
		     const struct engine_options *options,
		     struct report *report)
{
	size_t asked = agreement_check(world->cluster, world->snapshot,
				       WORKLOAD_NODE, &world->questions,
				       options->manifests, MOST_FOR_ORACLE);
	double n = (double)world->n_all_changes;

	report_note(report,
		    "in each change %.2f identities were new, %.2f rule "
		    "tables compiled, %.2f peer sets evaluated, and %.2f "
		    "addresses judged anew; afterwards the oracle agrees on "
		    "%zu",
		    (double)world->work.n_identities / n,
		    (double)world->work.n_rule_tables / n,
		    (double)world->work.n_peer_sets / n,
		    (double)world->work.n_addresses / n, asked);
}

static size_t any_namespace(struct world *world)
{
	return random_below(&world->random, world->n);
}

static size_t any_pod(struct world *world)
{
	return random_below(&world->random, WORKLOAD_PODS);
}

/* ---- pods --------------------------------------------------------------- */

static void come_and_go(struct world *world, size_t i, size_t j)
{
	delete (world, workload_pod(i, j));
	put(world, workload_pod(i, j));
}

void pod_known(const struct engine_options *options, struct report *report)
{
	struct world world;

	world_init(&world, options);
	for (size_t s = 0; s < options->n_samples; s++) {
		while (world.n_changes < CHANGES_PER_SAMPLE) {
			come_and_go(&world, any_namespace(&world),
				    WORKLOAD_LOCAL);
			come_and_go(&world, any_namespace(&world),
				    any_pod(&world));
		}
		report_add(report, take_sample(&world));
	}
	if (world.work.n_identities > 0 || world.work.n_rule_tables > 0)
		errx(2, "a pod with known labels was compiled for");
	describe(&world, options, report);
	world_release(&world);
}

/* One more pod, which looks like no other. */
static void come_new_and_go(struct world *world, size_t i, bool local,
			    size_t number)
{
	struct object pod = workload_new_pod(i, WORKLOAD_PODS, number);

	if (local)
		pod.pod.node_name = WORKLOAD_NODE;
	put(world, pod);
	delete (world, pod);
}

void pod_new(const struct engine_options *options, struct report *report)
{
	struct world world;
	size_t number = 0;

	world_init(&world, options);
	for (size_t s = 0; s < options->n_samples; s++) {
		while (world.n_changes < CHANGES_PER_SAMPLE) {
			come_new_and_go(&world, any_namespace(&world),
					number % 2, number);
			number++;
		}
		report_add(report, take_sample(&world));
	}
	if (world.work.n_identities != number)
		errx(2, "%zu pods with new labels were %zu identities", number,
		     world.work.n_identities);
	describe(&world, options, report);
	world_release(&world);
}

/* ---- policies ----------------------------------------------------------- */

void policy_change(const struct engine_options *options, struct report *report)
{
	struct world world;
	size_t edition = 0;

	world_init(&world, options);
	for (size_t s = 0; s < options->n_samples; s++) {
		while (world.n_changes < CHANGES_PER_SAMPLE) {
			size_t i = any_namespace(&world);

			put(&world,
			    workload_policy(i, WORKLOAD_LOCAL, ++edition));
			put(&world, workload_policy(i, WORKLOAD_LOCAL, 0));
		}
		report_add(report, take_sample(&world));
	}
	if (world.work.n_rule_tables < world.n_all_changes)
		errx(2, "policies that changed were not compiled");
	describe(&world, options, report);
	world_release(&world);
}
