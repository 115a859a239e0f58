/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sweep costs, with a full table and nothing else going on.
 *
 *	sweep sweep_100k_ratio N SAMPLES	a whole sweep that revokes
 *						nothing, over a bare dump
 *	sweep sweep_pod_ms N SAMPLES		one for a single pod
 *	sweep again N SECONDS			sweep whole, again and again
 *	sweep fill N CLIENTS SERVERS		no sweep, only connections
 *
 * N connections, all marked, are put into the table of this network namespace:
 * of pods of the measured node, all allowed by W(n); or, where addresses are
 * given (A,B,…), of these. Each sweep is checked by what it says it has
 * revoked. Prints a report.
 */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report.h"
#include "bench/stopwatch.h"
#include "bench/workload.h"
#include "daemon/insert.h"
#include "datapath/sweep.h"
#include "netpold/snapshot.h"

#define N_NAMESPACES 100
#define N_CLIENTS 10
#define N_MAX (N_NAMESPACES * N_CLIENTS * 50000)

static struct mark_layout marks;
static struct conntrack *conntrack;
static struct sweep *sweep;

static double now_ms(void)
{
	return stopwatch_wall_ns() / 1e6;
}

static void require(int r, const struct err *err)
{
	if (r < 0)
		errx(1, "%s", err->message);
}

/* ---- the world ---------------------------------------------------------- */

/* Closed: nobody gets in any more. */
static struct snapshot *compile(bool closed)
{
	const struct snapshot_options options = { .node_name = WORKLOAD_NODE };
	struct cluster *cluster = workload_cluster(N_NAMESPACES);
	struct snapshot *snapshot;
	struct err err;

	for (size_t i = 0; closed && i < N_NAMESPACES; i++) {
		struct object policy = workload_policy(i, WORKLOAD_LOCAL, 0);

		policy.policy.n_rules[DIRECTION_INGRESS] = 0;
		require(cluster_put(cluster, &policy, 0), &err);
	}
	require(snapshot_compile(cluster, &options, &snapshot, &err), &err);
	cluster_free(cluster);
	return snapshot;
}

/* Policy 7 lets in from pods that are app=a8, on port 8080. */
static struct conntrack_entry connection(size_t number)
{
	size_t i = number % N_NAMESPACES;
	size_t client = number / N_NAMESPACES % N_CLIENTS;
	size_t port = number / N_NAMESPACES / N_CLIENTS;

	return a_connection(
		workload_address(i, client * 10 + WORKLOAD_LOCAL + 1),
		(uint16_t)(10000 + port), workload_address(i, WORKLOAD_LOCAL),
		8080, marks.allowed);
}

static struct netlink open_netlink(void)
{
	struct netlink netlink;

	if (netlink_init(&netlink, NETLINK_NETFILTER) < 0)
		errx(1, "cannot open a netlink socket");
	return netlink;
}

static void insert(struct netlink *netlink, const struct conntrack_entry *entry)
{
	int r = insert_connection(netlink, entry);

	if (r < 0)
		errx(1, "cannot put a connection into the table: %s",
		     strerror(-r));
}

static void fill(size_t n)
{
	struct netlink netlink = open_netlink();

	for (size_t i = 0; i < n; i++) {
		struct conntrack_entry entry = connection(i);

		insert(&netlink, &entry);
	}
	netlink_release(&netlink);
}

/* ---- measuring ---------------------------------------------------------- */

static int pass_over(void *ctx, const struct conntrack_entry *entry)
{
	(void)entry;
	(*(size_t *)ctx)++;
	return 0;
}

static double dump_ms(size_t expected)
{
	const struct conntrack_filter filter = {
		.mark = marks.allowed,
		.mark_mask = marks.judged_mask,
	};
	double began = now_ms(), took;
	bool interrupted = false;
	size_t n = 0;
	struct err err;

	require(conntrack_dump(conntrack, &filter, pass_over, &n, &interrupted,
			       &err),
		&err);
	took = now_ms() - began;
	if (n != expected)
		errx(1, "%zu of %zu connections were dumped", n, expected);
	return took;
}

/* @also_opened  not only what the address answers */
static double sweep_ms(const struct snapshot *snapshot,
		       const struct ip_addr *address, bool also_opened,
		       size_t expected)
{
	const struct sweep_request request = {
		.addresses = address,
		.n = address ? 1 : 0,
		.of = { [DIRECTION_EGRESS] = also_opened,
			[DIRECTION_INGRESS] = true },
	};
	double began = now_ms(), took;
	struct sweep_result result;
	struct err err;

	require(sweep_run(sweep, snapshot, &request, &result, &err), &err);
	took = now_ms() - began;
	if (result.revoked != expected)
		errx(1, "%zu connections were revoked, not %zu", result.revoked,
		     expected);
	return took;
}

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), compare_numbers);
	return samples[n / 2];
}

static void measure_whole(size_t n, size_t n_samples, struct report *report)
{
	struct snapshot *open = compile(false), *closed = compile(true);
	double dumps[REPORT_MAX_SAMPLES] = { 0 };
	double sweeps[REPORT_MAX_SAMPLES] = { 0 };

	for (size_t i = 0; i < n_samples; i++) {
		if (i % 2 == 0)
			dumps[i] = dump_ms(n);
		sweeps[i] = sweep_ms(open, NULL, true, 0);
		if (i % 2 == 1)
			dumps[i] = dump_ms(n);
		report_add(report, sweeps[i] / dumps[i]);
	}
	report_note(report,
		    "%zu connections: a bare dump takes %.0f ms, a "
		    "sweep that revokes nothing %.0f",
		    n, median(dumps, n_samples), median(sweeps, n_samples));
	report_note(report, "one that revokes all %.0f",
		    sweep_ms(closed, NULL, true, n));
	snapshot_free(open);
	snapshot_free(closed);
}

/* What an edit of a policy for ingress takes, and a change of the pod's labels
   beside it. First a sweep of everything, as at the daemon's start. */
static void measure_pod(size_t n, size_t n_samples, struct report *report)
{
	struct ip_addr pod = workload_address(1, WORKLOAD_LOCAL);
	struct snapshot *open = compile(false), *closed = compile(true);
	double either_way[REPORT_MAX_SAMPLES] = { 0 };

	sweep_ms(open, NULL, true, 0);
	for (size_t i = 0; i < n_samples; i++) {
		report_add(report, sweep_ms(open, &pod, false, 0));
		either_way[i] = sweep_ms(open, &pod, true, 0);
	}
	report_note(report,
		    "of what it answers, among %zu; of what it opens, too: "
		    "%.0f ms; that revokes %zu: %.0f ms",
		    n, median(either_way, n_samples), n / N_NAMESPACES,
		    sweep_ms(closed, &pod, false, n / N_NAMESPACES));
	snapshot_free(open);
	snapshot_free(closed);
}

static void sweep_again(double seconds, struct report *report)
{
	struct snapshot *open = compile(false);
	double until = now_ms() + seconds * 1000;

	while (now_ms() < until && report->n < REPORT_MAX_SAMPLES)
		report_add(report, sweep_ms(open, NULL, true, 0));
	snapshot_free(open);
}

/* ---- connections of others ---------------------------------------------- */

#define MAX_ADDRESSES 64

static size_t read_addresses(char *text, struct ip_addr *addresses)
{
	char *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(text, ",", &save); p && n < MAX_ADDRESSES;
	     p = strtok_r(NULL, ",", &save)) {
		if (ip_addr_parse(p, strlen(p), &addresses[n++]) < 0)
			errx(2, "'%s' is no address", p);
	}
	return n;
}

static void fill_between(size_t n, char *client_text, char *server_text)
{
	struct ip_addr clients[MAX_ADDRESSES], servers[MAX_ADDRESSES];
	size_t n_clients = read_addresses(client_text, clients);
	size_t n_servers = read_addresses(server_text, servers);
	struct netlink netlink = open_netlink();

	for (size_t i = 0; i < n; i++) {
		size_t pair = i % (n_clients * n_servers);
		struct conntrack_entry entry = a_connection(
			clients[pair % n_clients],
			(uint16_t)(10000 + i / (n_clients * n_servers)),
			servers[pair / n_clients], 8080, marks.allowed);

		insert(&netlink, &entry);
	}
	netlink_release(&netlink);
}

/* ---- the program -------------------------------------------------------- */

static void measure(const char *what, size_t n, size_t number,
		    struct report *report)
{
	fill(n);
	if (strcmp(what, "sweep_100k_ratio") == 0)
		measure_whole(n, number, report);
	else if (strcmp(what, "sweep_pod_ms") == 0)
		measure_pod(n, number, report);
	else if (strcmp(what, "again") == 0)
		sweep_again((double)number, report);
	else
		errx(2, "'%s' is no row", what);
}

int main(int argc, char **argv)
{
	struct report report = { .n = 0 };
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	size_t number = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	struct err err;

	if (argc < 4 || n == 0 || n > N_MAX || number > REPORT_MAX_SAMPLES)
		errx(2, "usage: sweep WHAT N SAMPLES");
	require(mark_layout_init(&marks, MARK_DEFAULT_MASK, &err), &err);
	require(conntrack_open(&conntrack, &err), &err);
	require(sweep_open(&sweep, &marks, &err), &err);
	if (argc == 5 && strcmp(argv[1], "fill") == 0)
		fill_between(n, argv[3], argv[4]);
	else
		measure(argv[1], n, number, &report);
	report_print(&report);
	sweep_close(sweep);
	conntrack_close(conntrack);
	workload_forget();
	return 0;
}
