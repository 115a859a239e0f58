/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures the engine alone: no packet, no root.
 *
 *	engine compare N < MANIFESTS		are they W(N)?
 *	engine compare-wide N < MANIFESTS	are they the wide workload?
 *	engine ROW N QUESTIONS SAMPLES MANIFESTS SMALL-MANIFESTS
 *
 * Prints one line of JSON (report.h). What the rows are is in run.py, what the
 * manifests are for in engine.h. Runs on one CPU, the last it may run on.
 */
#include "engine.h"

#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

static const struct {
	const char *name;
	void (*measure)(const struct engine_options *options,
			struct report *report);
} rows[] = {
	{ "compile_all_ms", compile_all },
	{ "compile_node_ms", compile_node },
	{ "evaluate_cold_ns", evaluate_cold },
	{ "evaluate_growth", evaluate_growth },
	{ "evaluate_wide_ns", evaluate_wide },
	{ "pod_known_us", pod_known },
	{ "pod_new_us", pod_new },
	{ "policy_change_us", policy_change },
};

/* Interrupts mostly go to the first one. */
static void pin_to_last_cpu(void)
{
	cpu_set_t allowed, one;
	int last = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		err(2, "cannot tell which CPUs there are");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		last = CPU_ISSET(cpu, &allowed) ? cpu : last;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		err(2, "cannot run on CPU %d", last);
}

static size_t read_number(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || number < 1 || number > 1000000000)
		errx(2, "'%s': expected a number from 1 on", text);
	return number;
}

static int compare(struct cluster *cluster)
{
	size_t n_held = 0, n_read;
	char *json = NULL;
	size_t size = 0;

	if (getdelim(&json, &size, '\0', stdin) < 0)
		err(2, "cannot read manifests");
	n_read = workload_compare(cluster, json);
	for (int kind = 0; kind < N_OBJECT_KINDS; kind++)
		n_held += cluster_count(cluster, kind);
	if (n_read != n_held)
		errx(2, "workload.py has %zu objects, workload.c %zu", n_read,
		     n_held);
	printf("{\"objects\": %zu}\n", n_read);
	free(json);
	cluster_free(cluster);
	return 0;
}

static int measure(char **argv)
{
	static struct report report;
	const struct engine_options options = {
		.n = read_number(argv[1]),
		.n_questions = read_number(argv[2]),
		.n_samples = read_number(argv[3]),
		.manifests = argv[4],
		.small_manifests = argv[5],
	};

	pin_to_last_cpu();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, argv[0]) != 0)
			continue;
		rows[i].measure(&options, &report);
		report_print(&report);
		return 0;
	}
	errx(2, "no row is named '%s'", argv[0]);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "compare") == 0)
		return compare(workload_cluster(read_number(argv[2])));
	if (argc == 3 && strcmp(argv[1], "compare-wide") == 0)
		return compare(wide_cluster(read_number(argv[2])));
	if (argc == 7)
		return measure(argv + 1);
	errx(2, "expected compare N, compare-wide N, or ROW N QUESTIONS "
		"SAMPLES MANIFESTS SMALL-MANIFESTS");
}
