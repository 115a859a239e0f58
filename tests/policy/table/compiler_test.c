/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a compilation does for a change, and what it says of it. That its
 * answers are the right ones is for twin/incremental_test.c to see.
 *
 * All of it on node-1:
 *
 *	shop	team=a	web-1, web-2	app=web		10.0.0.1, 10.0.0.2
 *			db-1		app=db		10.0.0.3
 *	far	team=b	job-1		app=job		10.0.1.1 on node-2
 *
 * and allow-web isolates app=db of shop, and lets app=web in.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler_build.h"

static struct object on_node(struct object pod, const char *node_name)
{
	pod.pod.node_name = node_name;
	return pod;
}

static struct object allow_web(void)
{
	return with_rule(
		a_policy("shop", "allow-web", "app=db", DIRECTION_INGRESS),
		DIRECTION_INGRESS, a_pod_rule(NULL, "app=web"));
}

static int make_world(void **state)
{
	begin_following(state);
	put(a_namespace("shop", "kubernetes.io/metadata.name=shop,team=a"));
	put(a_namespace("far", "kubernetes.io/metadata.name=far,team=b"));
	put(a_pod("shop", "web-1", "app=web", "10.0.0.1"));
	put(a_pod("shop", "web-2", "app=web", "10.0.0.2"));
	put(a_pod("shop", "db-1", "app=db", "10.0.0.3"));
	put(on_node(a_pod("far", "job-1", "app=job", "10.0.1.1"), "node-2"));
	put(allow_web());
	compile();
	return 0;
}

/* ---- work --------------------------------------------------------------- */

static void expect_work(const char *sentence, size_t n_objects,
			size_t n_identities, size_t n_peer_sets,
			size_t n_rule_tables)
{
	compile();
	if (update.n_objects != n_objects ||
	    update.n_identities != n_identities ||
	    update.n_peer_sets != n_peer_sets ||
	    update.n_rule_tables != n_rule_tables)
		fail_msg("%s: expected %zu objects, %zu identities, %zu sets, "
			 "%zu tables; got %zu, %zu, %zu, %zu",
			 sentence, n_objects, n_identities, n_peer_sets,
			 n_rule_tables, update.n_objects, update.n_identities,
			 update.n_peer_sets, update.n_rule_tables);
	assert_false(update.from_nothing);
}

/* Which flows of the addresses an update may deny. */
enum ways {
	NEITHER = 0,
	OPENED = 1 << DIRECTION_EGRESS,
	ANSWERED = 1 << DIRECTION_INGRESS,
	EITHER = OPENED | ANSWERED,
};

static enum ways may_deny(void)
{
	return (update.may_deny[DIRECTION_EGRESS] ? OPENED : NEITHER) |
	       (update.may_deny[DIRECTION_INGRESS] ? ANSWERED : NEITHER);
}

static void the_first_time_all_is_compiled(void **state)
{
	(void)state;
	assert_true(update.from_nothing);
	assert_int_equal(7, update.n_objects);
	assert_int_equal(3, update.n_identities);
	assert_int_equal(1, update.n_peer_sets);
	assert_int_equal(1, update.n_rule_tables);
	assert_true(may_deny() == EITHER);
	expect_work("then nothing is, when nothing has changed", 0, 0, 0, 0);
	put(a_pod("shop", "web-1", "app=web", "10.0.0.1"));
	expect_work("nor when the same comes again", 0, 0, 0, 0);
}

/* Whatever there was before, nobody knows any more. */
static void from_nothing_anything_may_be_denied(void **state)
{
	(void)state;
	unfollow();
	follow("node-1");
	put(on_node(a_pod("far", "job-1", "app=job", "10.0.1.1"), "node-2"));
	compile();
	assert_true(update.from_nothing);
	assert_true(may_deny() == EITHER);
	compile();
	assert_true(may_deny() == NEITHER);
}

static void a_pod_of_known_labels_costs_nothing(void **state)
{
	(void)state;
	put(a_pod("shop", "web-3", "app=web", "10.0.0.9"));
	expect_work("it comes", 1, 0, 0, 0);
	put(a_pod("shop", "web-3", "app=web", "10.0.0.8"));
	expect_work("it gets another address", 1, 0, 0, 0);
	del(a_pod("shop", "web-3", "", ""));
	expect_work("it goes", 1, 0, 0, 0);
	put(a_pod("shop", "db-2", "app=db", "10.0.0.9"));
	expect_work("an isolated one comes", 1, 0, 0, 0);
	del(a_pod("shop", "db-1", "", ""));
	del(a_pod("shop", "db-2", "", ""));
	expect_work("the last ones of their labels go", 2, 0, 0, 0);
	put(a_pod("shop", "db-1", "app=db", "10.0.0.3"));
	expect_work("and come back", 1, 0, 0, 0);
	assert_false(allows(snapshot, "10.0.1.1", "10.0.0.3", 80));
}

static void new_labels_cost_an_identity(void **state)
{
	struct object out = a_policy("shop", "out", "v=3", DIRECTION_EGRESS);

	(void)state;
	put(a_pod("shop", "new", "app=new", "10.0.0.9"));
	expect_work("which no policy selects", 1, 1, 0, 0);
	put(a_pod("shop", "db-2", "app=db,v=2", "10.0.0.8"));
	expect_work("which the same policies select as others", 1, 1, 0, 0);
	out.policy.isolates[DIRECTION_INGRESS] = true;
	put(out);
	expect_work("a policy for nobody", 1, 0, 0, 0);
	put(a_pod("shop", "v3", "v=3", "10.0.0.7"));
	expect_work("isolated in both directions", 1, 1, 0, 2);
	put(a_pod("shop", "db-3", "app=db,v=3", "10.0.0.6"));
	/* For egress the one policy is what it is for the one before. */
	expect_work("isolated by one policy more", 1, 1, 0, 1);
	put(on_node(a_pod("shop", "db-4", "app=db,v=3,x=y", "10.0.0.5"),
		    "node-2"));
	expect_work("another node's pod has no tables", 1, 1, 0, 0);
	put(with_port(a_pod("shop", "web-1", "app=web", "10.0.0.1"), "http",
		      PROTOCOL_TCP, 80));
	expect_work("a named port makes another identity", 1, 1, 0, 0);
}

static void an_edit_costs_what_it_selects(void **state)
{
	struct object edited = with_rule(allow_web(), DIRECTION_INGRESS,
					 a_pod_rule("team=b", NULL));

	(void)state;
	put(a_pod("shop", "db-2", "app=db,v=2", "10.0.0.8"));
	put(a_policy("shop", "more", "v=2", DIRECTION_INGRESS));
	compile();
	put(edited);
	expect_work("two combinations of policies have it", 1, 0, 1, 2);
	put(a_policy("shop", "more", "v=3", DIRECTION_INGRESS));
	/* db-2 has the table of db-1 from now on. */
	expect_work("one loses a policy", 1, 0, 0, 0);
	put(a_policy("shop", "other", "app=nobody", DIRECTION_INGRESS));
	expect_work("a policy that selects nobody", 1, 0, 0, 0);
	put(a_policy("far", "other", "", DIRECTION_INGRESS));
	expect_work("a policy for another node's pods", 1, 0, 0, 0);
	del(allow_web());
	expect_work("a policy goes, and nothing takes its place", 1, 0, 0, 0);
}

static void new_labels_of_a_namespace_cost_its_identities(void **state)
{
	(void)state;
	put(a_namespace("shop", "kubernetes.io/metadata.name=shop,team=c"));
	expect_work("two of shop, with the tables they have", 1, 2, 0, 0);
	put(a_namespace("shop", "kubernetes.io/metadata.name=shop,team=a"));
	expect_work("the same when it is as it was", 1, 2, 0, 0);
	put(a_namespace("empty", "kubernetes.io/metadata.name=empty"));
	expect_work("none of one that has no pods", 1, 0, 0, 0);
	del(a_namespace("empty", ""));
	expect_work("whether it comes or goes", 1, 0, 0, 0);
}

/* Each as "namespace/name", with a '-' in front where it has gone. */
static void expect_policies(const char *sentence, const char *expected)
{
	char got[256] = "";

	compile();
	for (size_t i = 0; i < update.n_policies; i++) {
		const struct policy_change *change = &update.policies[i];
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%s%s/%s",
			 i ? " " : "", change->gone ? "-" : "",
			 change->policy->namespace, change->policy->name);
	}
	if (strcmp(got, expected) != 0)
		fail_msg("%s: expected '%s', got '%s'", sentence, expected,
			 got);
}

static void policies_that_have_changed_are_listed(void **state)
{
	struct object edited = allow_web();

	(void)state;
	assert_int_equal(0, update.n_policies); /* all was compiled */
	put(a_pod("shop", "web-3", "app=web", "10.0.0.9"));
	expect_policies("a pod is none", "");
	put(allow_web());
	expect_policies("the same one has not changed", "");
	edited.policy.generation = 2;
	put(edited);
	expect_policies("its generation has", "shop/allow-web");
	assert_int_equal(2, update.policies[0].policy->generation);
	del(edited);
	put(a_policy("far", "new", "", DIRECTION_EGRESS));
	put(edited);
	expect_policies("they come in their order",
			"-shop/allow-web far/new shop/allow-web");
	del(edited);
	expect_policies("one has gone", "-shop/allow-web");
	expect_policies("and is told once", "");
}

static void what_counts_for_nobody_costs_nothing(void **state)
{
	struct object finished = a_pod("shop", "done", "x=y", "10.0.0.20");
	struct object host = a_pod("shop", "host", "x=z", "192.0.2.1");

	(void)state;
	finished.pod.finished = true;
	host.pod.host_network = true;
	put(finished);
	put(host);
	put(a_pod("shop", "waits", "x=w", ""));
	put(a_node("node-1", "192.0.2.1"));
	expect_work("finished, on the host, without an address, a node", 4, 0,
		    0, 0);
	assert_int_equal(0, update.n_addresses);
	assert_true(may_deny() == NEITHER);
}

/* ---- addresses, and whether they may be denied -------------------------- */

static int compare_addresses(const void *a, const void *b)
{
	return ip_addr_compare(a, b);
}

/* Each once, in order, separated by spaces. */
static void write_addresses(char *text)
{
	struct ip_addr *sorted =
		arena_array(&build_arena, update.n_addresses, sizeof(*sorted));
	size_t n = update.n_addresses;

	*text = '\0';
	if (n > 0)
		memcpy(sorted, update.addresses, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_addresses);
	for (size_t i = 0; i < n; i++) {
		char one[IP_ADDR_TEXT_LEN];

		if (i > 0 && ip_addr_equal(&sorted[i - 1], &sorted[i]))
			continue;
		text += sprintf(text, "%s%s", i > 0 ? " " : "",
				ip_addr_format(&sorted[i], one));
	}
}

static void expect_update(const char *sentence, const char *addresses,
			  enum ways deny)
{
	char text[1024];

	compile();
	write_addresses(text);
	if (strcmp(text, addresses) != 0 || may_deny() != deny)
		fail_msg("%s: expected '%s', may deny: %d; got '%s', %d",
			 sentence, addresses, deny, text, may_deny());
}

static void pods_are_reported(void **state)
{
	struct object web = a_pod("shop", "web-1", "app=web", "10.0.0.1");

	(void)state;
	put(a_pod("shop", "web-3", "app=web", "10.0.0.9,fd00::9"));
	expect_update("a pod of this node comes", "10.0.0.9 fd00::9", EITHER);
	put(on_node(a_pod("far", "job-2", "app=job", "10.0.1.2"), "node-2"));
	expect_update("one of another node can only be allowed more",
		      "10.0.1.2", NEITHER);
	web.pod.owner_name = "web";
	put(web);
	expect_update("what decides nothing is not reported", "", NEITHER);
	put(a_pod("shop", "web-1", "app=db", "10.0.0.1"));
	expect_update("other labels are", "10.0.0.1", EITHER);
	put(on_node(a_pod("shop", "web-1", "app=db", "10.0.0.1"), "node-2"));
	expect_update("so is another node", "10.0.0.1", EITHER);
	put(a_pod("shop", "web-3", "app=web", "10.0.0.9,fd00::8"));
	expect_update("another address is two of them", "fd00::8 fd00::9",
		      EITHER);
	del(a_pod("far", "job-2", "", ""));
	expect_update("a pod goes, wherever it was", "10.0.1.2", EITHER);
	del(a_pod("shop", "web-2", "", ""));
	put(a_pod("shop", "web-4", "app=web", "10.0.0.2"));
	expect_update("a pod comes to where another one has gone", "10.0.0.2",
		      EITHER);
	put(a_namespace("shop", "kubernetes.io/metadata.name=shop,team=z"));
	expect_update("all pods of a namespace with other labels",
		      "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.9 fd00::8", EITHER);
}

static void policies_are_reported(enum direction dir)
{
	struct object first = a_policy("shop", "first", "app=web", dir);
	struct object second = a_policy("shop", "second", "app=web", dir);
	enum ways only = dir == DIRECTION_EGRESS ? OPENED : ANSWERED;

	put(first);
	expect_update("a policy isolates two pods", "10.0.0.1 10.0.0.2", only);
	put(second);
	expect_update("a policy more can only allow more", "10.0.0.1 10.0.0.2",
		      NEITHER);
	put(with_rule(second, dir, a_pod_rule(NULL, "app=web")));
	expect_update("a rule more can only allow more", "10.0.0.1 10.0.0.2",
		      NEITHER);
	put(with_rule(second, dir, a_pod_rule(NULL, "app=db")));
	expect_update("another rule may not", "10.0.0.1 10.0.0.2", only);
	del(second);
	expect_update("a policy less allows less", "10.0.0.1 10.0.0.2", only);
	del(first);
	expect_update("the last one opens", "10.0.0.1 10.0.0.2", NEITHER);
	put(a_policy("far", "first", "", dir));
	expect_update("another node's pods are its business", "", NEITHER);
	put(a_policy("shop", "nobody", "app=nobody", dir));
	expect_update("a policy that selects nobody changes nothing", "",
		      NEITHER);
}

static void policies_for_ingress_are_reported(void **state)
{
	(void)state;
	policies_are_reported(DIRECTION_INGRESS);
}

static void policies_for_egress_are_reported(void **state)
{
	(void)state;
	policies_are_reported(DIRECTION_EGRESS);
}

static void nodes_are_reported(void **state)
{
	struct object host = a_pod("far", "host", "", "10.0.0.1");
	struct object finished = host;

	(void)state;
	host.pod.host_network = finished.pod.host_network = true;
	finished.pod.finished = true;
	put(host);
	expect_update("a pod on the host is a node", "10.0.0.1", EITHER);
	put(finished);
	expect_update("while it runs", "10.0.0.1", EITHER);
	put(a_node("node-1", "10.0.0.1"));
	expect_update("a node takes an address from a pod", "10.0.0.1", EITHER);
	put(a_node("node-1", "192.0.2.1"));
	expect_update("and gives it back", "10.0.0.1", EITHER);
	put(a_node("node-2", "10.0.1.1"));
	expect_update("another node does so, too", "10.0.1.1", EITHER);
	del(a_node("node-2", ""));
	expect_update("the pod there can only be allowed more", "10.0.1.1",
		      NEITHER);
}

/* ---- contests ----------------------------------------------------------- */

static void expect_contest(const char *sentence, size_t i, const char *winner,
			   const char *loser)
{
	const struct contest *c = &update.contests[i];
	const struct ip_addr addr = an_addr("10.0.0.1");

	if (i >= update.n_contests)
		fail_msg("%s: got %zu contests", sentence, update.n_contests);
	if (!ip_addr_equal(&c->addr, &addr) ||
	    strcmp(c->winner ? c->winner->name : "a node", winner) != 0 ||
	    strcmp(c->loser->name, loser) != 0)
		fail_msg("%s: expected %s before %s, got %s before %s",
			 sentence, winner, loser,
			 c->winner ? c->winner->name : "a node",
			 c->loser->name);
}

static void two_pods_with_one_address_are_reported(void **state)
{
	struct object newer = a_pod("shop", "newer", "app=web", "10.0.0.1");
	struct object older = a_pod("shop", "older", "app=web", "10.0.0.1");

	(void)state; /* NP-64 */
	newer.pod.created_s = 2000;
	older.pod.created_s = 1;
	assert_int_equal(0, update.n_contests);
	put(newer);
	compile();
	expect_contest("the newest wins", 0, "newer", "web-1");
	assert_int_equal(1, update.n_contests);
	compile();
	assert_int_equal(0, update.n_contests);
	put(older);
	compile();
	expect_contest("who comes later need not", 0, "newer", "older");
	assert_int_equal(1, update.n_contests);
	newer.pod.created_s = 3000;
	newer.pod.name = "newest";
	put(newer);
	compile();
	assert_int_equal(3, update.n_contests);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal("newest", update.contests[i].winner->name);
}

/* NP-64: whoever changes may win what it had lost, and lose what it had. */
static void a_contest_is_settled_anew_when_one_changes(void **state)
{
	struct object rival = a_pod("shop", "rival", "app=x", "10.0.0.1");

	(void)state;
	rival.pod.created_s = 5;
	put(rival);
	expect_update("the newer has it", "10.0.0.1", EITHER);
	rival.pod.labels = some_labels("app=z");
	put(rival);
	expect_update("it gets other labels", "10.0.0.1", EITHER);
	rival.pod.deleting = true;
	put(rival);
	expect_update("it is deleted, and the other one has it", "10.0.0.1",
		      EITHER);
	assert_true(allows(snapshot, "10.0.0.1", "10.0.0.3", 80));
	rival.pod.labels = some_labels("app=y");
	put(rival);
	expect_update("nobody cares for it any more", "", NEITHER);
	del(rival);
	expect_update("nor when it has gone", "", NEITHER);
}

static void a_pod_with_an_address_of_a_node_is_reported(void **state)
{
	(void)state; /* NP-53 */
	put(a_node("node-1", "10.0.0.1"));
	compile();
	put(a_pod("shop", "stray", "app=web", "10.0.0.1"));
	compile();
	expect_contest("neither has it", 0, "a node", "stray");
	assert_int_equal(1, update.n_contests);
	assert_null(snapshot_pod_by_address(
		snapshot, &(struct ip_addr){ { 10, 0, 0, 1 }, IP_V4 }));
}

/* An address that goes from one pod to another is no contest, in whatever order
   the two events come; nor is one that was over before anybody could look. */
static void what_is_settled_in_one_round_is_no_contest(void **state)
{
	struct object other = a_pod("shop", "other", "app=x", "10.0.0.1");
	struct object third = a_pod("shop", "third", "app=y", "10.0.0.1");

	(void)state;
	other.pod.created_s = 5;
	put(other);
	third.pod.created_s = 4;
	put(third);
	del(other);
	compile();
	expect_contest("two are left", 0, "third", "web-1");
	assert_int_equal(1, update.n_contests);
	del(third);
	compile();
	assert_int_equal(0, update.n_contests);
	assert_true(allows(snapshot, "10.0.0.1", "10.0.0.3", 80));
}

/* ---- lifetimes ---------------------------------------------------------- */

#define N_SNAPSHOTS 4

/* What is to be freed, in some order: snapshots, the compiler, the cluster. */
#define COMPILER N_SNAPSHOTS
#define CLUSTER (N_SNAPSHOTS + 1)
#define N_THINGS (N_SNAPSHOTS + 2)

struct life {
	struct snapshot *snapshots[N_SNAPSHOTS];
};

/* Of each snapshot, whether web, a stranger and somebody of the next get in. */
static const char *const sources[] = { "10.0.0.1", "10.0.1.1", "10.0.0.9" };
static const bool expected[N_SNAPSHOTS][3] = {
	{ true, false, false },	 /* allow-web */
	{ true, false, true },	 /* 10.0.0.9 is app=web */
	{ false, false, false }, /* and nobody else is, nor it any more */
	{ true, true, true },	 /* no policy */
};

static void live(struct life *life)
{
	life->snapshots[0] = snapshot;
	put(a_pod("shop", "web-3", "app=web", "10.0.0.9"));
	compiler_compile(compiler, &life->snapshots[1], NULL, NULL);
	for (int i = 0; i < 300; i++) {
		char labels[24];

		snprintf(labels, sizeof(labels), "app=v%d", i);
		put(a_pod("shop", "web-3", labels, "10.0.0.9"));
	}
	put(a_pod("shop", "web-1", "app=other", "10.0.0.1"));
	compiler_compile(compiler, &life->snapshots[2], NULL, NULL);
	del(allow_web());
	compiler_compile(compiler, &life->snapshots[3], NULL, NULL);
	snapshot = NULL;
}

static void check_life(const struct life *life)
{
	for (size_t i = 0; i < N_SNAPSHOTS; i++) {
		for (size_t k = 0; life->snapshots[i] && k < 3; k++) {
			if (allows(life->snapshots[i], sources[k], "10.0.0.3",
				   80) != expected[i][k])
				fail_msg("snapshot %zu, from %s: expected %d",
					 i, sources[k], expected[i][k]);
		}
	}
}

static void end_thing(struct life *life, size_t thing)
{
	if (thing == COMPILER) {
		compiler_free(compiler);
		compiler = NULL;
	} else if (thing == CLUSTER) {
		cluster_free(cluster);
		cluster = NULL;
	} else {
		snapshot_free(life->snapshots[thing]);
		life->snapshots[thing] = NULL;
	}
}

/* The order of a number: 0 to 6! - 1. False where the cluster would go before
   its compiler. */
static bool make_order(size_t number, size_t *order)
{
	size_t left[N_THINGS] = { 0, 1, 2, 3, COMPILER, CLUSTER };
	bool compiler_gone = false;

	for (size_t i = 0; i < N_THINGS; i++) {
		size_t k = number % (N_THINGS - i);

		number /= N_THINGS - i;
		order[i] = left[k];
		memmove(left + k, left + k + 1,
			(N_THINGS - 1 - k) * sizeof(*left));
		compiler_gone |= order[i] == COMPILER;
		if (order[i] == CLUSTER && !compiler_gone)
			return false;
	}
	return true;
}

static void snapshots_go_in_any_order(void **state)
{
	for (size_t number = 0; number < 720; number++) {
		size_t order[N_THINGS];
		struct life life;

		if (!make_order(number, order))
			continue;
		unfollow();
		make_world(state);
		live(&life);
		check_life(&life);
		for (size_t i = 0; i < N_THINGS; i++) {
			end_thing(&life, order[i]);
			check_life(&life);
		}
		arena_clear(&build_arena);
	}
}

/* ---- what is staged (NP-8) ---------------------------------------------- */

static bool plans(const char *from, const char *to, uint16_t port)
{
	const struct snapshot *planned = snapshot_planned(snapshot);

	assert_non_null(planned);
	return allows(planned, from, to, port);
}

static void a_staged_policy_is_planned_and_not_enforced(void **state)
{
	struct object deny =
		a_policy("shop", "deny", "app=web", DIRECTION_INGRESS);
	struct local_address local;
	struct ip_addr web = an_addr("10.0.0.1");

	(void)state;
	assert_null(snapshot_planned(snapshot));
	put(with_mode(deny, POLICY_MODE_AUDIT));
	compile();
	assert_true(allows(snapshot, "10.0.0.3", "10.0.0.1", 80));
	assert_false(plans("10.0.0.3", "10.0.0.1", 80));
	assert_int_equal(1, snapshot_counts(snapshot).staged_policies);
	assert_int_equal(snapshot_number(snapshot),
			 snapshot_number(snapshot_planned(snapshot)));
	assert_true(snapshot_find_local(snapshot, &web, &local));
	assert_false(local.isolated[DIRECTION_INGRESS]);
	assert_true(local.watched[DIRECTION_INGRESS]);
	assert_false(local.watched[DIRECTION_EGRESS]);
	put(with_mode(deny, POLICY_MODE_ENFORCE));
	compile();
	assert_null(snapshot_planned(snapshot));
	assert_false(allows(snapshot, "10.0.0.3", "10.0.0.1", 80));
	assert_true(update.may_deny[DIRECTION_INGRESS]);
	assert_int_equal(1, update.n_policies);
}

static void what_is_staged_may_allow_more(void **state)
{
	struct object more =
		with_rule(a_policy("shop", "more", "app=db", DIRECTION_INGRESS),
			  DIRECTION_INGRESS, (struct rule){ 0 });

	(void)state;
	put(with_mode(more, POLICY_MODE_AUDIT));
	compile();
	assert_false(allows(snapshot, "192.0.2.1", "10.0.0.3", 9));
	assert_true(plans("192.0.2.1", "10.0.0.3", 9));
	assert_false(update.may_deny[DIRECTION_INGRESS]);
}

/* In all they do, staged policies are told from others by nothing else. */
static void with_enforce_staged_all_are_enforced(void **state)
{
	const struct snapshot_options options = { .enforce_staged = true };
	struct object deny =
		with_mode(a_policy("shop", "deny", "", DIRECTION_INGRESS),
			  POLICY_MODE_AUDIT);
	struct snapshot *all;

	(void)state;
	put(deny);
	assert_int_equal(0, snapshot_compile(cluster, &options, &all, NULL));
	assert_null(snapshot_planned(all));
	assert_false(allows(all, "192.0.2.1", "10.0.0.1", 80));
	snapshot_free(all);
}

/* Nothing of it is left, in time or memory. */
static void who_stages_nothing_pays_nothing(void **state)
{
	struct object deny =
		a_policy("shop", "deny", "app=db", DIRECTION_INGRESS);
	struct compiler_memory before, while_staged, after;
	struct object pod = a_pod("shop", "web-3", "app=web", "10.0.0.9");

	(void)state;
	compile();
	before = compiler_memory(compiler);
	put(with_mode(deny, POLICY_MODE_AUDIT));
	compile();
	while_staged = compiler_memory(compiler);
	assert_true(while_staged.identities > before.identities);
	assert_true(update.planned_from_nothing);
	put(pod);
	compile();
	assert_false(update.planned_from_nothing);
	assert_int_equal(1, update.n_planned_addresses);
	del(pod);
	del(deny);
	compile();
	compile();
	after = compiler_memory(compiler);
	assert_null(snapshot_planned(snapshot));
	assert_int_equal(0, update.n_planned_addresses);
	assert_int_equal(before.identities, after.identities);
	assert_int_equal(before.rules, after.rules);
}

static void a_cluster_has_one_compiler(void **state)
{
	struct compiler *second = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(-EBUSY, compiler_new(cluster, NULL, &second, &err));
	assert_int_equal(-EBUSY, err.code);
	assert_null(second);
	/* The first one is none the worse for it. */
	put(a_pod("shop", "web-3", "app=web", "10.0.0.9"));
	expect_work("it follows on", 1, 0, 0, 0);
	compiler_free(compiler);
	compiler = NULL;
	assert_int_equal(0, compiler_new(cluster, NULL, &second, &err));
	compiler_freep(&second);
	compiler_free(NULL);
}

/* Numbers of identities, and the bits that they have in sets, are used again:
   not while somebody knows whose they were. */
static void an_older_snapshot_is_not_disturbed_by_new_identities(void **state)
{
	struct snapshot *older = snapshot;
	struct object pod = a_pod("shop", "new", "", "10.0.0.9");
	size_t bytes = 0;

	(void)state;
	snapshot = NULL;
	put(with_rule(allow_web(), DIRECTION_INGRESS, a_pod_rule("", NULL)));
	del(a_pod("shop", "web-1", "", ""));
	del(a_pod("shop", "web-2", "", ""));
	for (int i = 0; i < 3000; i++) {
		char labels[24];

		snprintf(labels, sizeof(labels), "app=v%05d", i);
		pod.pod.labels = some_labels(labels);
		put(pod);
		compile();
		assert_true(allows(snapshot, "10.0.0.9", "10.0.0.3", 80));
		assert_true(allows(older, "10.0.0.1", "10.0.0.3", 80));
		assert_false(allows(older, "10.0.1.1", "10.0.0.3", 80));
		if (i == 1000)
			bytes = compiler_memory(compiler).identities;
	}
	/* Whoever has gone since the older one is not kept for it. */
	assert_int_equal(bytes, compiler_memory(compiler).identities);
	snapshot_free(older);
}

/* An identity that comes under a used number is not taken for who had it. */
static void a_number_that_is_used_again_is_a_strangers(void **state)
{
	struct object pod = a_pod("shop", "new", "", "10.0.0.9");

	(void)state;
	put(with_rule(allow_web(), DIRECTION_INGRESS,
		      a_pod_rule(NULL, "tier=old")));
	for (int i = 0; i < 2000; i++) {
		bool is_old = i < 400;
		char labels[32];

		snprintf(labels, sizeof(labels), "app=v%d%s", i,
			 is_old ? ",tier=old" : "");
		pod.pod.labels = some_labels(labels);
		put(pod);
		compile();
		assert_int_equal(is_old,
				 allows(snapshot, "10.0.0.9", "10.0.0.3", 80));
	}
}

/* ---- explanations ------------------------------------------------------- */

static void a_policy_that_is_found_twice_is_one(void **state)
{
	static const char *const values[] = { "db", "db" };
	static const struct requirement twice = { "app", SELECTOR_IN, values,
						  2 };
	struct flow_key key = flow("10.0.0.1", "10.0.0.3", 80);
	struct object policy = allow_web();
	struct explanation explanation;
	struct arena arena = { 0 };

	(void)state; /* NP-24 */
	policy.policy.pod_selector = (struct selector){ &twice, 1 };
	put(policy);
	compile();
	assert_int_equal(
		0, snapshot_explain(snapshot, &key, &arena, &explanation));
	assert_int_equal(1, explanation.sides[DIRECTION_INGRESS].n_isolating);
	assert_int_equal(1, explanation.sides[DIRECTION_INGRESS].n_rules);
	arena_release(&arena);
	del(policy);
	compile();
	assert_true(allows(snapshot, "10.0.1.1", "10.0.0.3", 80));
}

/* ---- batches ------------------------------------------------------------ */

static void a_batch_says_what_each_is_told_alone(void **state)
{
	static const char *const addresses[] = {
		"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1",
		"8.8.8.8",  "fd00::3",	"fd00::9",
	};
	static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP,
					     PROTOCOL_ICMP };
	static struct flow_key keys[600];
	static struct decision batch[N_OF(keys)];

	(void)state;
	put(a_pod("shop", "db-1", "app=db", "10.0.0.3,fd00::3"));
	put(with_rule(a_policy("shop", "out", "", DIRECTION_EGRESS),
		      DIRECTION_EGRESS, a_block_rule("10.0.0.0/16", NULL)));
	compile();
	for (size_t i = 0; i < N_OF(keys); i++) {
		keys[i] = flow(addresses[i % 7], addresses[i / 7 % 7], 80);
		keys[i].protocol = protocols[i % 3];
		keys[i].has_port = i % 5 > 0;
		keys[i].from_own_node = i % 4 == 0;
	}
	for (size_t n = 0; n <= 70; n++) {
		memset(batch, 0xff, sizeof(batch));
		snapshot_decide_batch(snapshot, keys + n, n, batch);
		for (size_t i = 0; i < n; i++) {
			struct decision one =
				snapshot_decide(snapshot, &keys[n + i]);

			assert_memory_equal(&one, &batch[i], sizeof(one));
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, end_following)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_time_all_is_compiled),
		TEST(from_nothing_anything_may_be_denied),
		TEST(a_pod_of_known_labels_costs_nothing),
		TEST(new_labels_cost_an_identity),
		TEST(an_edit_costs_what_it_selects),
		TEST(new_labels_of_a_namespace_cost_its_identities),
		TEST(what_counts_for_nobody_costs_nothing),
		TEST(policies_that_have_changed_are_listed),
		TEST(pods_are_reported),
		TEST(policies_for_ingress_are_reported),
		TEST(policies_for_egress_are_reported),
		TEST(nodes_are_reported),
		TEST(two_pods_with_one_address_are_reported),
		TEST(a_contest_is_settled_anew_when_one_changes),
		TEST(a_pod_with_an_address_of_a_node_is_reported),
		TEST(what_is_settled_in_one_round_is_no_contest),
		TEST(snapshots_go_in_any_order),
		TEST(a_cluster_has_one_compiler),
		TEST(an_older_snapshot_is_not_disturbed_by_new_identities),
		TEST(a_number_that_is_used_again_is_a_strangers),
		TEST(a_policy_that_is_found_twice_is_one),
		TEST(a_batch_says_what_each_is_told_alone),
		TEST(a_staged_policy_is_planned_and_not_enforced),
		TEST(what_is_staged_may_allow_more),
		TEST(with_enforce_staged_all_are_enforced),
		TEST(who_stages_nothing_pays_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
