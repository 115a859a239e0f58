/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to compile a cluster of which nothing is compiled yet. Memory
 * is given back in between, so that every compilation has to ask for its own.
 */
#include <err.h>
#include <malloc.h>

#include "netpold/compiler.h"

#include "agreement.h"
#include "engine.h"
#include "questions.h"
#include "stopwatch.h"
#include "workload.h"

#define MOST_FOR_ORACLE 200

struct compilation {
	struct compiler *compiler;
	struct snapshot *snapshot;
	struct update update;
	double ms;
};

static struct compilation compile(struct cluster *cluster, const char *node)
{
	const struct snapshot_options options = { .node_name = node };
	struct compilation made = { 0 };
	struct err trouble;
	double begin_ns;

	malloc_trim(0);
	begin_ns = stopwatch_cpu_ns();
	if (compiler_new(cluster, &options, &made.compiler, &trouble) < 0 ||
	    compiler_compile(made.compiler, &made.snapshot, &made.update,
			     &trouble) < 0)
		errx(2, "%s", trouble.message);
	made.ms = (stopwatch_cpu_ns() - begin_ns) / 1e6;
	return made;
}

static void compilation_release(struct compilation *made)
{
	snapshot_free(made->snapshot);
	compiler_free(made->compiler);
}

static void describe(const struct compilation *made, struct report *report)
{
	struct compiler_memory memory = compiler_memory(made->compiler);
	size_t bytes = memory.addresses + memory.identities + memory.peers +
		       memory.rules + memory.index;

	report_note(report,
		    "%zu objects, %zu identities, %zu rule tables, %zu peer "
		    "sets, %.1f MiB",
		    made->update.n_objects, made->update.n_identities,
		    made->update.n_rule_tables, made->update.n_peer_sets,
		    (double)bytes / (1 << 20));
}

static void measure(const struct engine_options *options, const char *node,
		    struct report *report)
{
	struct cluster *cluster = workload_cluster(options->n);
	struct questions questions =
		questions_of_workload(options->n, options->n_questions);
	struct compilation made = compile(cluster, node);
	size_t asked = agreement_check(cluster, made.snapshot, node, &questions,
				       options->manifests, MOST_FOR_ORACLE);

	describe(&made, report);
	report_note(report, "the oracle agrees on %zu", asked);
	compilation_release(&made);
	for (size_t i = 0; i < options->n_samples; i++) {
		made = compile(cluster, node);
		report_add(report, made.ms);
		compilation_release(&made);
	}
	questions_release(&questions);
	cluster_free(cluster);
}

void compile_node(const struct engine_options *options, struct report *report)
{
	measure(options, WORKLOAD_NODE, report);
}

void compile_all(const struct engine_options *options, struct report *report)
{
	measure(options, NULL, report);
}
