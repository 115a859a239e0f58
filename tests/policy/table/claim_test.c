/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The twin of a claim is who claims what, as a list, and the rules of NP-53 and
 * NP-64 in the order in which they are written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "table/claim.h"

#include "parts_build.h"

static struct claims claims;

static int make_claims(void **state)
{
	claims = (struct claims){ 0 };
	return make_parts(state);
}

static int free_claims(void **state)
{
	claims_release(&the_parts, &claims);
	return free_parts(state);
}

/* ---- who wins ----------------------------------------------------------- */

struct claimant {
	const char *name, *uid, *node;
	int64_t created_s;
	bool deleting;
};

static const struct {
	const char *name;
	struct claimant pods[3]; /* name NULL: fewer */
	const char *hosts[2];	 /* nodes that claim it, too */
	const char *own_node;	 /* NULL: offline */
	const char *winner;	 /* NULL: no pod */
} cases[] = {
	{ "who is alone has it",
	  { { "a", "1", "n1", 0, false } },
	  .winner = "a" },
	{ "nobody has what nobody claims", .winner = NULL },
	{ "NP-64: who is not being deleted",
	  { { "a", "9", "n1", 9, true }, { "b", "1", "n1", 1, false } },
	  .winner = "b" },
	{ "NP-64: then the newest",
	  { { "a", "9", "n1", 1, false }, { "b", "1", "n1", 2, false } },
	  .winner = "b" },
	{ "NP-64: of those that are being deleted, too",
	  { { "a", "1", "n1", 2, true }, { "b", "9", "n1", 1, true } },
	  .winner = "a" },
	{ "NP-64: then the larger UID",
	  { { "a", "2", "n1", 5, false }, { "b", "1", "n1", 5, false } },
	  .winner = "a" },
	{ "the name settles what is left",
	  { { "a", "1", "n1", 5, false }, { "b", "1", "n1", 5, false } },
	  .winner = "b" },
	{ "NP-53: a pod never has an address of its node",
	  { { "a", "1", "n1", 0, false } },
	  .hosts = { "n1" },
	  .winner = NULL },
	{ "NP-53: it may have that of another node",
	  { { "a", "1", "n1", 0, false } },
	  .hosts = { "n2" },
	  .winner = "a" },
	{ "NP-53: but no pod has one of this node",
	  { { "a", "1", "n1", 0, false } },
	  .hosts = { "n2" },
	  .own_node = "n2",
	  .winner = NULL },
	{ "NP-53: who is on another node has it instead",
	  { { "a", "9", "n1", 9, false }, { "b", "1", "n2", 1, false } },
	  .hosts = { "n1" },
	  .winner = "b" },
	{ "NP-53: a pod without a node is on none",
	  { { "a", "1", "", 0, false } },
	  .hosts = { "" },
	  .winner = "a" },
	{ "one of two hosts is enough",
	  { { "a", "1", "n1", 0, false } },
	  .hosts = { "n2", "n1" },
	  .winner = NULL },
};

static const struct object *keep_claimant(const struct claimant *c)
{
	struct object pod = a_pod("shop", c->name, "", "10.0.0.1");

	pod.pod.uid = c->uid;
	pod.pod.node_name = c->node;
	pod.pod.created_s = c->created_s;
	pod.pod.deleting = c->deleting;
	return keep_object(pod);
}

/* Whoever came first makes no difference. */
static void expect_winner(size_t row, bool backwards)
{
	const struct ip_addr addr = an_addr("10.0.0.1");
	struct claim *claim = claims_get(&the_parts, &claims, &addr);
	const struct object *winner;
	const char *got;

	for (size_t i = 0; i < 3; i++) {
		const struct claimant *c =
			&cases[row].pods[backwards ? 2 - i : i];
		const struct object *pod;

		if (!c->name)
			continue;
		pod = keep_claimant(c);
		assert_int_equal(0, claim_add_pod(&the_parts, claim, pod));
		drop_object(pod);
	}
	for (size_t i = 0; i < 2 && cases[row].hosts[i]; i++) {
		const char *node = intern(the_parts.pool, cases[row].hosts[i]);

		assert_int_equal(0, claim_add_host(&the_parts, claim, node));
		intern_drop(the_parts.pool, node);
	}
	winner = claim_winner(&claims, claim);
	got = winner ? winner->pod.name : "nobody";
	if (strcmp(got, cases[row].winner ? cases[row].winner : "nobody") != 0)
		fail_msg("%s: %s has it", cases[row].name, got);
}

static void the_winner_is_whom_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * N_OF(cases); i++) {
		const char *own = cases[i / 2].own_node;

		claims.node_name = own ? intern(the_parts.pool, own) : NULL;
		expect_winner(i / 2, i % 2);
		intern_drop(the_parts.pool, claims.node_name);
		claims_release(&the_parts, &claims);
	}
}

/* ---- random contents ---------------------------------------------------- */

#define N_ADDRESSES 200
#define N_PODS 12
#define N_NODES 3

/* How often each claims an address. */
struct model {
	size_t pods[N_PODS], hosts[N_NODES];
	bool there;
};

static const struct object *pods[N_PODS];
static const char *nodes[N_NODES];

static void make_claimants(struct random *random)
{
	static const char *const node_names[] = { "n0", "n1", "n2", "" };

	for (size_t i = 0; i < N_NODES; i++)
		nodes[i] = intern(the_parts.pool, node_names[i]);
	for (size_t i = 0; i < N_PODS; i++) {
		char *name = arena_alloc(&build_arena, 8);
		struct claimant c = { name,
				      random_percent(random, 50) ? "x" : "y",
				      random_pick(random, node_names),
				      random_between(random, 1, 3),
				      random_percent(random, 30) };

		snprintf(name, 8, "p%zu", i);
		pods[i] = keep_claimant(&c);
	}
}

static struct ip_addr address_of(size_t i)
{
	uint8_t bytes[16] = { (uint8_t)i, [15] = (uint8_t)(i >> 1) };

	return i % 2 ? ip_addr_v4(bytes) : ip_addr_v6(bytes);
}

static const struct object *winner_of(const struct model *m)
{
	const struct object *winner = NULL;

	if (claims.node_name && m->hosts[0] > 0)
		return NULL;
	for (size_t i = 0; i < N_PODS; i++) {
		const struct pod *pod = &pods[i]->pod, *best;
		bool barred = false, better;

		for (size_t k = 0; k < N_NODES; k++)
			barred |= m->hosts[k] > 0 && nodes[k] == pod->node_name;
		if (m->pods[i] == 0 || barred)
			continue;
		best = winner ? &winner->pod : NULL;
		if (!best)
			better = true;
		else if (best->deleting != pod->deleting)
			better = best->deleting;
		else if (best->created_s != pod->created_s)
			better = pod->created_s > best->created_s;
		else if (strcmp(best->uid, pod->uid) != 0)
			better = strcmp(pod->uid, best->uid) > 0;
		else
			better = strcmp(pod->name, best->name) > 0;
		if (better)
			winner = pods[i];
	}
	return winner;
}

static void compare(const struct model *models)
{
	size_t n_there = 0;

	for (size_t i = 0; i < N_ADDRESSES; i++) {
		const struct ip_addr addr = address_of(i);
		const struct claim *claim = claims_find(&claims, &addr);

		assert_int_equal(models[i].there, claim != NULL);
		n_there += models[i].there;
		if (!claim)
			continue;
		assert_true(ip_addr_equal(&addr, &claim->addr));
		assert_ptr_equal(winner_of(&models[i]),
				 claim_winner(&claims, claim));
		for (size_t k = 0; k < N_NODES; k++)
			assert_int_equal(models[i].hosts[k] > 0,
					 claim_is_of_host(claim, nodes[k]));
	}
	assert_int_equal(n_there, claims.n);
}

static void change_claim(struct random *random, struct model *m,
			 struct claim *claim)
{
	size_t i = random_below(random, N_PODS);
	size_t k = random_below(random, N_NODES);

	if (random_percent(random, 30)) {
		claim_add_pod(&the_parts, claim, pods[i]);
		m->pods[i]++;
	} else if (random_percent(random, 30)) {
		claim_add_host(&the_parts, claim, nodes[k]);
		m->hosts[k]++;
	} else if (random_percent(random, 50)) {
		/* What is not there is taken out for nothing. */
		claim_remove_pod(&the_parts, claim, pods[i]);
		m->pods[i] -= m->pods[i] > 0;
	} else {
		claim_remove_host(&the_parts, claim, nodes[k]);
		m->hosts[k] -= m->hosts[k] > 0;
	}
}

/* A claim that says no more than that at most one pod has it. */
static bool is_settled(const struct model *m)
{
	size_t n_pods = 0, n_hosts = 0;

	for (size_t i = 0; i < N_PODS; i++)
		n_pods += m->pods[i];
	for (size_t i = 0; i < N_NODES; i++)
		n_hosts += m->hosts[i];
	return n_hosts == 0 && n_pods <= 1;
}

static void claims_say_what_a_list_says(void **state)
{
	static struct model models[N_ADDRESSES];
	struct random random = { a_seed() };

	(void)state;
	memset(models, 0, sizeof(models));
	make_claimants(&random);
	for (int round = 0; round < 20000; round++) {
		size_t i = random_below(&random, N_ADDRESSES);
		const struct ip_addr addr = address_of(i);
		struct claim *claim = claims_get(&the_parts, &claims, &addr);

		assert_non_null(claim);
		models[i].there = true;
		for (size_t n = random_below(&random, 4); n > 0; n--)
			change_claim(&random, &models[i], claim);
		if (random_percent(&random, 60)) {
			claims_drop_settled(&the_parts, &claims, claim);
			if (is_settled(&models[i]))
				models[i] = (struct model){ 0 };
		}
		/* This node's name may be known or not. */
		claims.node_name =
			random_percent(&random, 50) ? nodes[0] : NULL;
		if (round % 100 == 0)
			compare(models);
	}
	claims_release(&the_parts, &claims);
	for (size_t i = 0; i < N_PODS; i++) {
		assert_int_equal(1, users_of(pods[i]));
		drop_object(pods[i]);
	}
	for (size_t i = 0; i < N_NODES; i++)
		intern_drop(the_parts.pool, nodes[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_claims, free_claims)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_winner_is_whom_the_table_says),
		TEST(claims_say_what_a_list_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
