/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to have the kernel's remembered answers right after a change.
 *
 *	recall rejudge_64k_ms N SAMPLES
 *
 * N answers, all right, about pods of the measured node of W(n) are put into
 * the set of this network namespace. Then one pod in a hundred is closed: the
 * time until the set holds none of its answers any more is a sample. What is
 * left is counted by listing it. Prints a report.
 */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report.h"
#include "bench/stopwatch.h"
#include "bench/workload.h"
#include "datapath/memo.h"
#include "datapath/memo_set.h"
#include "datapath/recall.h"
#include "datapath/rules.h"
#include "netpold/snapshot.h"

#define N_NAMESPACES 100
#define N_PORTS 6
#define FIRST_PORT 9090
#define N_MAX (N_NAMESPACES * N_PORTS * 9900)

static const char *set_name;
static struct ipset *ipset;

static double now_ms(void)
{
	return stopwatch_wall_ns() / 1e6;
}

static void require(int r, const struct err *err)
{
	if (r < 0)
		errx(1, "%s", err->message);
}

/* Closed: nobody gets into the pod of the first namespace any more. */
static struct snapshot *compile(bool closed)
{
	const struct snapshot_options options = { .node_name = WORKLOAD_NODE };
	struct cluster *cluster = workload_cluster(N_NAMESPACES);
	struct object policy = workload_policy(0, WORKLOAD_LOCAL, 0);
	struct snapshot *snapshot;
	struct err err;

	if (closed) {
		policy.policy.n_rules[DIRECTION_INGRESS] = 0;
		require(cluster_put(cluster, &policy, 0), &err);
	}
	require(snapshot_compile(cluster, &options, &snapshot, &err), &err);
	cluster_free(cluster);
	return snapshot;
}

/* Whoever is in 10.0.0.0/8 may ask on these ports; not the node's own pods,
   whose egress is judged, too. */
static struct memo answer(size_t number)
{
	size_t server = number % N_NAMESPACES;
	size_t port = number / N_NAMESPACES % N_PORTS;
	size_t client = number / N_NAMESPACES / N_PORTS;

	return (struct memo){
		.src = workload_address(client * 7 % N_NAMESPACES,
					(WORKLOAD_LOCAL + 1 + client % 99) %
						WORKLOAD_PODS),
		.dst = workload_address(server, WORKLOAD_LOCAL),
		.port = (uint16_t)(FIRST_PORT + port),
		.protocol = PROTOCOL_TCP,
	};
}

static void fill(size_t n)
{
	struct memo *memos = calloc(n, sizeof(*memos));
	struct err err;

	if (!memos)
		errx(1, "no memory");
	for (size_t i = 0; i < n; i++)
		memos[i] = answer(i);
	require(memo_set_add(ipset, set_name, memos, n, &err), &err);
	free(memos);
}

static int count(void *ctx, const struct memo *memo,
		 const struct memo_counters *counters)
{
	(void)memo;
	(void)counters;
	(*(size_t *)ctx)++;
	return 0;
}

static double list_ms(size_t expected)
{
	double began = now_ms();
	size_t n = 0;
	struct err err;

	require(memo_set_walk(ipset, set_name, count, &n, &err), &err);
	if (n != expected)
		errx(1, "%zu answers are left, not %zu", n, expected);
	return now_ms() - began;
}

static double settle_ms(struct recall *recall, const struct snapshot *snapshot)
{
	double began = now_ms();
	struct err err;

	require(recall_settle(recall, snapshot, NULL, &err), &err);
	return now_ms() - began;
}

static double wait_ms(struct recall *recall)
{
	double began = now_ms();

	recall_wait(recall);
	return now_ms() - began;
}

struct totals {
	double list, none, wait, target;
};

/* What stands in the set is taken over as after a restart. */
static double measure(size_t n, const struct snapshot *open,
		      const struct snapshot *closed, struct totals *totals)
{
	const struct recall_options options = {
		.size = (uint32_t)n,
		.remember[VERDICT_ALLOW] = true,
		.n_workers = 1,
	};
	const struct update all = { .from_nothing = true };
	const struct ip_addr pod = workload_address(0, WORKLOAD_LOCAL);
	const struct update local = { .addresses = &pod, .n_addresses = 1 };
	size_t n_wrong = (n + N_NAMESPACES - 1) / N_NAMESPACES;
	struct recall *recall;
	struct err err;
	double took;

	require(recall_open(&options, &recall, &err), &err);
	fill(n);
	recall_close(recall);
	require(recall_open(&options, &recall, &err), &err);
	recall_begin(recall);
	totals->none += settle_ms(recall, open);
	wait_ms(recall); /* for an earlier run */
	recall_owe(recall, &all);
	took = settle_ms(recall, closed);
	totals->wait += wait_ms(recall);
	totals->list += list_ms(n - n_wrong);
	if (recall_counts(recall).kept[VERDICT_ALLOW].deletions != n_wrong)
		errx(1, "other than %zu answers were taken out", n_wrong);
	recall_owe(recall, &local);
	totals->target += settle_ms(recall, closed);
	recall_close(recall);
	return took;
}

static void measure_all(size_t n, size_t n_samples, struct report *report)
{
	struct snapshot *open = compile(false), *closed = compile(true);
	struct totals totals = { .list = 0 };
	double k = (double)n_samples;

	for (size_t i = 0; i < n_samples; i++)
		report_add(report, measure(n, open, closed, &totals));
	report_note(report,
		    "%zu answers: where none is wrong, it takes %.1f ms; where "
		    "one pod is concerned, %.1f; to list them would take %.1f; "
		    "the kernel's grace period %.1f",
		    n, totals.none / k, totals.target / k, totals.list / k,
		    totals.wait / k);
	snapshot_free(open);
	snapshot_free(closed);
}

int main(int argc, char **argv)
{
	struct report report = { .n = 0 };
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	size_t n_samples = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	struct err err;

	if (argc != 4 || n == 0 || n > N_MAX || n_samples == 0 ||
	    n_samples > REPORT_MAX_SAMPLES)
		errx(2, "usage: recall WHAT N SAMPLES");
	set_name = rules_answers_name(VERDICT_ALLOW, IP_V4);
	require(ipset_open(&ipset, &err), &err);
	measure_all(n, n_samples, &report);
	report_print(&report);
	ipset_close(ipset);
	workload_forget();
	return 0;
}
