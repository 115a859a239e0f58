/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suggestions in random worlds, against what was seen, flow by flow (L37):
 * whatever was seen is allowed, and what was not seen between two workloads is
 * denied. Whether a flow was seen is found by looking at all of them.
 *
 * SUGGEST_SEED and SUGGEST_WORLDS choose other worlds, and more of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/snapshot.h"
#include "netpold/suggest.h"

#include "object_build.h"
#include "twin/random.h"

enum {
	MAX_PODS = 64,
	MAX_FLOWS = 120,
	N_NAMESPACES = 3,
	N_WORKLOADS = 5,
	N_QUESTIONS = 300,
};

static const uint16_t ports[] = { 53, 80, 81, 82, 8080 };
static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };

struct place {
	struct object object;
	unsigned int workload; /* over all namespaces */
};

struct world {
	struct random random;
	uint64_t seed;
	bool told_apart; /* each workload has a label of its own */
	bool with_ping;
	struct place pods[MAX_PODS];
	size_t n_pods;
	struct suggest_flow flows[MAX_FLOWS];
	unsigned int from[MAX_FLOWS], to[MAX_FLOWS]; /* pods; MAX_PODS: none */
	size_t n_flows;
	struct cluster *cluster;
};

/* ---- worlds ------------------------------------------------------------- */

static char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *fmt, ...)
{
	char buffer[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buffer, sizeof(buffer), fmt, args);
	va_end(args);
	return arena_strdup(&build_arena, buffer);
}

static const char *random_labels(struct world *w, unsigned int workload)
{
	struct random *r = &w->random;

	if (w->told_apart)
		return text("app=a%u,tier=t%zu", workload, random_below(r, 2));
	/* Few values, so that workloads look alike. */
	switch (workload % 4) {
	case 0:
		return text("app=a%u", workload % 3);
	case 1:
		return text("app=a%u,role=r%u", workload % 3, workload % 2);
	case 2:
		return text("tier=t%u", workload % 2);
	default:
		return random_percent(r, 50) ? "" : "app=a1";
	}
}

static void add_pod(struct world *w, unsigned int workload)
{
	unsigned int i = (unsigned int)w->n_pods;
	struct place *place = &w->pods[w->n_pods++];
	const char *namespace = text("ns%u", workload / N_WORKLOADS);

	place->workload = workload;
	place->object =
		a_pod(namespace, text("pod-%u", i), random_labels(w, workload),
		      text("10.0.%u.%u", i / 8, i % 8 + 1));
	place->object.pod.owner_kind = "StatefulSet";
	place->object.pod.owner_name = text("set-%u", workload);
	if (random_percent(&w->random, 50))
		place->object = with_port(place->object, "http", PROTOCOL_TCP,
					  random_pick(&w->random, ports));
	assert_true(cluster_put(w->cluster, &place->object, 0) >= 0);
}

static void make_pods(struct world *w)
{
	for (unsigned int ns = 0; ns < N_NAMESPACES; ns++) {
		struct object namespace = a_namespace(
			text("ns%u", ns),
			text("kubernetes.io/metadata.name=ns%u", ns));

		assert_true(cluster_put(w->cluster, &namespace, 0) >= 0);
	}
	for (unsigned int i = 0; i < N_NAMESPACES * N_WORKLOADS; i++) {
		size_t n = random_below(&w->random, 5);

		for (size_t replica = 0; replica < n; replica++)
			add_pod(w, i);
	}
}

static struct suggest_end random_end(struct world *w, unsigned int *pod)
{
	if (w->n_pods == 0 || random_percent(&w->random, 15)) {
		*pod = MAX_PODS;
		/* Some among the pods' own addresses. */
		return (struct suggest_end){
			.addr = an_addr(text(
				"10.0.%zu.%zu", random_below(&w->random, 12),
				100 + random_below(&w->random, 100))),
		};
	}
	*pod = (unsigned int)random_below(&w->random, w->n_pods);
	return (struct suggest_end){
		.pod = &w->pods[*pod].object.pod,
		.addr = w->pods[*pod].object.pod.addresses[0],
	};
}

static struct suggest_flow random_flow(struct world *w, unsigned int *from,
				       unsigned int *to)
{
	struct suggest_flow flow = {
		.from = random_end(w, from),
		.to = random_end(w, to),
		.protocol = random_pick(&w->random, protocols),
		.has_port = true,
		.port = random_pick(&w->random, ports),
		.count = 1,
	};

	if (w->with_ping && random_percent(&w->random, 10)) {
		flow.protocol = PROTOCOL_ICMP;
		flow.has_port = false;
		flow.port = 0;
	}
	return flow;
}

static void make_world(struct world *w, uint64_t seed)
{
	*w = (struct world){ .random = { .state = seed }, .seed = seed };
	w->cluster = cluster_new();
	assert_non_null(w->cluster);
	w->told_apart = random_percent(&w->random, 50);
	w->with_ping = random_percent(&w->random, 30);
	make_pods(w);
	w->n_flows = random_below(&w->random, MAX_FLOWS);
	for (size_t i = 0; i < w->n_flows; i++)
		w->flows[i] = random_flow(w, &w->from[i], &w->to[i]);
}

static void free_world(struct world *w)
{
	cluster_free(w->cluster);
	arena_release(&build_arena);
}

/* ---- the naive view ----------------------------------------------------- */

/* Which policy a workload shares with others; MAX_PODS: it has none. */
struct view {
	unsigned int policy_of[N_NAMESPACES * N_WORKLOADS];
};

static void look(const struct suggestion *suggestion, struct view *out)
{
	for (unsigned int i = 0; i < N_NAMESPACES * N_WORKLOADS; i++)
		out->policy_of[i] = MAX_PODS;
	for (size_t p = 0; p < suggestion->n_policies; p++) {
		const struct suggested_policy *policy =
			&suggestion->policies[p];

		for (size_t i = 0; i < policy->n_workloads; i++) {
			const char *name = policy->workloads[i].name;
			size_t n = (size_t)atoi(name + strlen("set-"));

			assert_true(n < N_NAMESPACES * N_WORKLOADS);
			out->policy_of[n] = (unsigned int)p;
		}
	}
}

static unsigned int policy_of(const struct world *w, const struct view *view,
			      unsigned int pod)
{
	return view->policy_of[w->pods[pod].workload];
}

/* Between these two workloads, or those that share their policies. */
static bool was_seen(const struct world *w, const struct view *view,
		     unsigned int from, unsigned int to,
		     const struct suggest_flow *flow)
{
	for (size_t i = 0; i < w->n_flows; i++) {
		const struct suggest_flow *seen = &w->flows[i];

		if (w->from[i] == MAX_PODS || w->to[i] == MAX_PODS ||
		    w->from[i] == w->to[i])
			continue;
		if (seen->protocol == flow->protocol &&
		    seen->port == flow->port &&
		    policy_of(w, view, w->from[i]) ==
			    policy_of(w, view, from) &&
		    policy_of(w, view, w->to[i]) == policy_of(w, view, to))
			return true;
	}
	return false;
}

/* ---- asking ------------------------------------------------------------- */

static void apply(struct cluster *cluster,
		  const struct suggested_policy *policies, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct object object = {
			.kind = OBJECT_NETWORK_POLICY,
			.policy = policies[i].policy,
		};

		assert_true(cluster_put(cluster, &object, 0) >= 0);
	}
}

static struct snapshot *compile(const struct cluster *cluster)
{
	const struct snapshot_options everywhere = { .node_name = NULL };
	struct snapshot *snapshot = NULL;

	assert_int_equal(
		0, snapshot_compile(cluster, &everywhere, &snapshot, NULL));
	return snapshot;
}

static bool is_allowed(const struct snapshot *snapshot,
		       const struct suggest_flow *flow)
{
	const struct flow_key key = {
		.src = flow->from.addr,
		.dst = flow->to.addr,
		.dst_port = flow->port,
		.protocol = flow->protocol,
		.has_port = flow->has_port,
	};

	return snapshot_decide(snapshot, &key).verdict == VERDICT_ALLOW;
}

static void fail_flow(const struct world *w, const struct suggest_flow *flow,
		      const char *what)
{
	char from[IP_ADDR_TEXT_LEN], to[IP_ADDR_TEXT_LEN];

	fail_msg("seed %llu: %s -> %s port %u protocol %u: %s",
		 (unsigned long long)w->seed,
		 ip_addr_format(&flow->from.addr, from),
		 ip_addr_format(&flow->to.addr, to), flow->port, flow->protocol,
		 what);
}

static struct suggest *suggest_all(const struct world *w,
				   const struct snapshot *existing,
				   size_t n_flows, struct suggestion *out)
{
	const struct suggest_options options = {
		.merge_v4 = SUGGEST_MERGE_V4,
		.merge_v6 = SUGGEST_MERGE_V6,
		.min_count = 1,
		.existing = existing,
	};
	struct suggest *suggest = NULL;

	assert_int_equal(0, suggest_new(w->cluster, &options, &suggest, NULL));
	for (size_t i = 0; i < n_flows; i++)
		assert_int_equal(0, suggest_add(suggest, &w->flows[i]));
	assert_int_equal(0, suggest_finish(suggest, out, NULL));
	return suggest;
}

static void check_seen(const struct world *w, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < w->n_flows; i++) {
		if (!is_allowed(snapshot, &w->flows[i]))
			fail_flow(w, &w->flows[i], "seen, and denied");
	}
}

static void check_unseen(struct world *w, const struct suggestion *suggestion,
			 const struct snapshot *snapshot)
{
	struct view view;

	look(suggestion, &view);
	for (unsigned int i = 0; i < N_QUESTIONS; i++) {
		unsigned int from, to;
		const struct suggest_flow flow = random_flow(w, &from, &to);

		/* Ping waits for a decision. */
		if (!flow.has_port || from == MAX_PODS || to == MAX_PODS ||
		    from == to || policy_of(w, &view, from) == MAX_PODS ||
		    policy_of(w, &view, to) == MAX_PODS)
			continue;
		if (is_allowed(snapshot, &flow) !=
		    was_seen(w, &view, from, to, &flow))
			fail_flow(w, &flow, "not as it was seen");
	}
}

static void each_world(void (*check)(struct world *w))
{
	uint64_t seed = random_setting("SUGGEST_SEED", 1);
	uint64_t n = random_setting("SUGGEST_WORLDS", 200);

	for (uint64_t i = 0; i < n; i++) {
		struct world w;

		make_world(&w, seed + i);
		check(&w);
		free_world(&w);
	}
}

/* ---- what holds --------------------------------------------------------- */

static void check_exact(struct world *w)
{
	struct suggestion suggestion = { 0 };
	struct suggest *suggest = suggest_all(w, NULL, w->n_flows, &suggestion);
	struct snapshot *snapshot;

	if (w->told_apart) {
		for (size_t i = 0; i < suggestion.n_policies; i++)
			assert_int_equal(1, suggestion.policies[i].n_workloads);
	}
	apply(w->cluster, suggestion.policies, suggestion.n_policies);
	snapshot = compile(w->cluster);
	if (!w->with_ping) {
		check_seen(w, snapshot);
		assert_int_equal(0, suggestion.n_apart);
	}
	check_unseen(w, &suggestion, snapshot);
	snapshot_free(snapshot);
	/* With what is to be decided there is nothing left to deny. */
	apply(w->cluster, suggestion.apart, suggestion.n_apart);
	snapshot = compile(w->cluster);
	check_seen(w, snapshot);
	snapshot_free(snapshot);
	suggest_free(suggest);
}

static void what_was_seen_is_allowed_and_nothing_else(void **state)
{
	(void)state;
	each_world(check_exact);
}

/* What half of the flows needs, then what the others need besides. */
static void check_in_steps(struct world *w)
{
	struct suggestion first = { 0 }, second = { 0 }, third = { 0 };
	struct suggest *one, *two, *three;
	struct snapshot *snapshot;

	one = suggest_all(w, NULL, w->n_flows / 2, &first);
	apply(w->cluster, first.policies, first.n_policies);
	apply(w->cluster, first.apart, first.n_apart);
	snapshot = compile(w->cluster);
	two = suggest_all(w, snapshot, w->n_flows, &second);
	apply(w->cluster, second.policies, second.n_policies);
	apply(w->cluster, second.apart, second.n_apart);
	suggest_free(one);
	suggest_free(two);
	snapshot_free(snapshot);

	snapshot = compile(w->cluster);
	check_seen(w, snapshot);
	three = suggest_all(w, snapshot, w->n_flows, &third);
	assert_int_equal(0, third.n_policies + third.n_apart);
	suggest_free(three);
	snapshot_free(snapshot);
}

static void what_is_there_and_what_is_missing_are_all(void **state)
{
	(void)state;
	each_world(check_in_steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_seen_is_allowed_and_nothing_else),
		cmocka_unit_test(what_is_there_and_what_is_missing_are_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
