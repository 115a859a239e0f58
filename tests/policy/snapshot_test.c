/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/snapshot.h"

#include "object_build.h"

/*
 * The world of these tests, all on node-1 (192.0.2.1) but other/far:
 *
 *	shop	team=a	web 10.0.0.1 fd00::1	app=web	ports http 8080/TCP
 *			db  10.0.0.2 fd00::2	app=db
 *	other	team=b	far 10.0.0.3		app=web	on node-2
 *			host 192.0.2.1		host network
 *	lost	no Namespace object		pod 10.0.0.4 app=web
 *
 * Each case adds policies of its own.
 */
static struct cluster *cluster;
static struct snapshot *snapshot;

static void put(struct object object)
{
	assert_true(cluster_put(cluster, &object, 0) >= 0);
}

static int make_world(void **state)
{
	struct object far = a_pod("other", "far", "app=web", "10.0.0.3");
	struct object host = a_pod("other", "host", "app=web", "192.0.2.1");
	struct object web = a_pod("shop", "web", "app=web", "10.0.0.1,fd00::1");

	(void)state;
	cluster = cluster_new();
	far.pod.node_name = "node-2";
	host.pod.host_network = true;
	put(with_port(web, "http", PROTOCOL_TCP, 8080));
	put(a_pod("shop", "db", "app=db", "10.0.0.2,fd00::2"));
	put(far);
	put(host);
	put(a_pod("lost", "pod", "app=web", "10.0.0.4"));
	put(a_namespace("shop", "kubernetes.io/metadata.name=shop,team=a"));
	put(a_namespace("other", "kubernetes.io/metadata.name=other,team=b"));
	put(a_node("node-1", "192.0.2.1"));
	return 0;
}

static int free_world(void **state)
{
	(void)state;
	snapshot_free(snapshot);
	snapshot = NULL;
	cluster_free(cluster);
	arena_release(&build_arena);
	return 0;
}

static void compile(const char *node_name)
{
	const struct snapshot_options options = { .node_name = node_name };

	snapshot_free(snapshot);
	assert_int_equal(0,
			 snapshot_compile(cluster, &options, &snapshot, NULL));
}

static struct flow_key flow(const char *src, const char *dst, uint8_t protocol,
			    uint16_t port)
{
	return (struct flow_key){
		.src = an_addr(src),
		.dst = an_addr(dst),
		.protocol = protocol,
		.dst_port = port,
		.has_port = protocol_has_ports(protocol),
	};
}

/* Asserts a decision; the name is the sentence that a failure prints. */
static void expect(const char *name, struct flow_key key, enum verdict verdict,
		   enum reason egress, enum reason ingress)
{
	struct decision d = snapshot_decide(snapshot, &key);

	if (d.verdict != verdict || d.sides[0].reason != egress ||
	    d.sides[1].reason != ingress)
		fail_msg("%s: expected %s (%s, %s), got %s (%s, %s)", name,
			 verdict_name(verdict), reason_name(egress),
			 reason_name(ingress), verdict_name(d.verdict),
			 reason_name(d.sides[0].reason),
			 reason_name(d.sides[1].reason));
}

static int count_address(void *ctx, const struct local_address *address)
{
	size_t *n = ctx;

	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		n[dir] += address->isolated[dir];
	return 0;
}

static size_t count_isolated(enum direction dir)
{
	size_t n[N_DIRECTIONS] = { 0 };

	assert_int_equal(0, snapshot_each_local(snapshot, count_address, n));
	return n[dir];
}

static const struct pod *pod_at(const char *text)
{
	const struct ip_addr addr = an_addr(text);

	return snapshot_pod_by_address(snapshot, &addr);
}

static void without_policies_everything_passes(void **state)
{
	(void)state;
	compile(NULL);
	expect("DEC-6: pods that no policy selects are open",
	       flow("10.0.0.1", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_NOT_ISOLATED);
	expect("DEC-3: addresses of no pod have no side",
	       flow("8.8.8.8", "9.9.9.9", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_A_POD, REASON_NOT_A_POD);
}

static void isolation_is_per_direction(void **state)
{
	(void)state;
	put(a_policy("shop", "deny", "app=db", DIRECTION_INGRESS));
	compile(NULL);
	expect("NP-13: a policy without rules allows nothing",
	       flow("10.0.0.1", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	expect("NP-10: ingress isolation leaves egress open",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_NOT_ISOLATED);
	expect("NP-70: a deny-all denies ICMP too",
	       flow("10.0.0.1", "10.0.0.2", PROTOCOL_ICMP, 0), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	expect("NP-60: every address of the pod is isolated",
	       flow("fd00::1", "fd00::2", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	expect("NP-50: a pod reaches itself",
	       flow("10.0.0.2", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_SELF);
}

static void peers_select_pods(void **state)
{
	struct object p = a_policy("shop", "p", "app=db", DIRECTION_INGRESS);

	(void)state;
	put(with_rule(p, DIRECTION_INGRESS, a_pod_rule(NULL, "app=web")));
	compile(NULL);
	expect("NP-30: a podSelector picks pods of the policy's namespace",
	       flow("10.0.0.1", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_RULE);
	expect("NP-30: and none of another namespace",
	       flow("10.0.0.3", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	expect("NP-34: an external address matches no selector",
	       flow("8.8.8.8", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NOT_A_POD, REASON_NO_RULE_MATCHES);
	expect("NP-52: a host-network pod matches no selector",
	       flow("192.0.2.1", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NOT_A_POD, REASON_NO_RULE_MATCHES);
	put(with_rule(p, DIRECTION_INGRESS, a_pod_rule("team=b", NULL)));
	compile(NULL);
	expect("NP-31: a namespaceSelector picks all pods of the namespace",
	       flow("10.0.0.3", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_RULE);
	put(with_rule(p, DIRECTION_INGRESS, a_pod_rule("team=b", "app=db")));
	compile(NULL);
	expect("NP-32: both together are an AND",
	       flow("10.0.0.3", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	put(with_rule(p, DIRECTION_INGRESS, a_pod_rule("", NULL)));
	compile(NULL);
	expect("NP-42: an empty namespaceSelector picks pods whose Namespace "
	       "is unknown",
	       flow("10.0.0.4", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_RULE);
	put(with_rule(p, DIRECTION_INGRESS,
		      a_pod_rule("kubernetes.io/metadata.name=lost", NULL)));
	compile(NULL);
	expect("NP-42: the name label is known without the Namespace",
	       flow("10.0.0.4", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_RULE);
}

static void blocks_match_any_address(void **state)
{
	struct object p = a_policy("shop", "p", "app=web", DIRECTION_EGRESS);

	(void)state;
	put(with_rule(p, DIRECTION_EGRESS,
		      a_block_rule("10.0.0.0/8", "10.0.0.2/32")));
	compile(NULL);
	expect("NP-35: a block holds pod addresses",
	       flow("10.0.0.1", "10.0.0.3", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_RULE, REASON_NOT_ISOLATED);
	expect("NP-33: but not what is excepted",
	       flow("10.0.0.1", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NO_RULE_MATCHES, REASON_NOT_ISOLATED);
	expect("NP-37: nor the other family",
	       flow("fd00::1", "fd00::9", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NO_RULE_MATCHES, REASON_NOT_A_POD);
	put(with_rule(with_rule(p, DIRECTION_EGRESS,
				a_block_rule("10.0.0.0/8", "10.0.0.2/32")),
		      DIRECTION_EGRESS, a_pod_rule(NULL, "app=db")));
	compile(NULL);
	expect("NP-36, L22: except takes nothing from another rule",
	       flow("10.0.0.1", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_RULE, REASON_NOT_ISOLATED);
}

static const struct rule anyone;

static void ports_match_the_destination(void **state)
{
	struct object p = a_policy("shop", "p", "app=web", DIRECTION_INGRESS);
	struct flow_key fragment =
		flow("10.0.0.2", "10.0.0.1", PROTOCOL_TCP, 0);

	(void)state;
	put(with_rule(p, DIRECTION_INGRESS,
		      on_ports(anyone, PROTOCOL_TCP, 80, 82)));
	compile(NULL);
	expect("NP-48: the first port of a range is in it",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_TCP, 80), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_RULE);
	expect("NP-48: so is the last",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_TCP, 82), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_RULE);
	expect("NP-48: the next is not",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_TCP, 83), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	expect("NP-49: UDP is not TCP",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_UDP, 80), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	expect("NP-70: a rule with ports never matches ICMP",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_ICMP, 0), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	put(with_rule(p, DIRECTION_INGRESS,
		      on_named_port(anyone, PROTOCOL_TCP, "http")));
	compile(NULL);
	expect("NP-45: a name is looked up on the destination",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_TCP, 8080), VERDICT_ALLOW,
	       REASON_NOT_ISOLATED, REASON_RULE);
	expect("NP-47: and stands for no other port",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
	put(with_rule(p, DIRECTION_INGRESS, on_protocol(anyone, PROTOCOL_TCP)));
	compile(NULL);
	fragment.has_port = false;
	expect("NP-74: a fragment matches a protocol without a port", fragment,
	       VERDICT_ALLOW, REASON_NOT_ISOLATED, REASON_RULE);
	put(with_rule(p, DIRECTION_INGRESS,
		      on_ports(anyone, PROTOCOL_TCP, 1, 65535)));
	compile(NULL);
	expect("NP-74: but no range of ports", fragment, VERDICT_DENY,
	       REASON_NOT_ISOLATED, REASON_NO_RULE_MATCHES);
}

static void a_named_egress_port_is_each_destinations_own(void **state)
{
	struct object p = a_policy("shop", "p", "app=db", DIRECTION_EGRESS);

	(void)state; /* L21 */
	put(with_rule(p, DIRECTION_EGRESS,
		      on_named_port(anyone, PROTOCOL_TCP, "http")));
	compile(NULL);
	expect("NP-45: the destination has the name",
	       flow("10.0.0.2", "10.0.0.1", PROTOCOL_TCP, 8080), VERDICT_ALLOW,
	       REASON_RULE, REASON_NOT_ISOLATED);
	expect("NP-47: another pod has it not",
	       flow("10.0.0.2", "10.0.0.3", PROTOCOL_TCP, 8080), VERDICT_DENY,
	       REASON_NO_RULE_MATCHES, REASON_NOT_ISOLATED);
	expect("NP-47: an external address has it not",
	       flow("10.0.0.2", "8.8.8.8", PROTOCOL_TCP, 8080), VERDICT_DENY,
	       REASON_NO_RULE_MATCHES, REASON_NOT_A_POD);
}

static void a_node_judges_its_own_pods_only(void **state)
{
	struct flow_key probe = flow("192.0.2.1", "10.0.0.2", PROTOCOL_TCP, 80);

	(void)state;
	put(a_policy("shop", "deny", "", DIRECTION_INGRESS));
	put(a_policy("other", "deny", "", DIRECTION_EGRESS));
	compile("node-1");
	expect("DEC-3: the other node judges egress of its pod",
	       flow("10.0.0.3", "10.0.0.2", PROTOCOL_TCP, 80), VERDICT_DENY,
	       REASON_NOT_LOCAL, REASON_NO_RULE_MATCHES);
	expect("NP-56: a node's address is not exempt by itself", probe,
	       VERDICT_DENY, REASON_NOT_A_POD, REASON_NO_RULE_MATCHES);
	probe.from_own_node = true;
	expect("NP-54, NP-55: what the own node opens is", probe, VERDICT_ALLOW,
	       REASON_NOT_A_POD, REASON_OWN_NODE);
	/* web and db, both families */
	assert_int_equal(4, count_isolated(DIRECTION_INGRESS));
	assert_int_equal(0, count_isolated(DIRECTION_EGRESS));
	compile("node-2");
	assert_int_equal(1, count_isolated(DIRECTION_EGRESS));
}

static void the_better_claim_holds_a_contested_address(void **state)
{
	struct object old = a_pod("shop", "old", "app=old", "10.0.0.9");
	struct object new = a_pod("shop", "new", "app=new", "10.0.0.9");
	const struct ip_addr addr = an_addr("10.0.0.9");

	(void)state; /* NP-64 */
	old.pod.created_s = 1000;
	new.pod.created_s = 2000;
	put(old);
	put(new);
	compile(NULL);
	assert_string_equal("new",
			    snapshot_pod_by_address(snapshot, &addr)->name);
	new.pod.deleting = true;
	put(new);
	compile(NULL);
	assert_string_equal("old",
			    snapshot_pod_by_address(snapshot, &addr)->name);
	old.pod.finished = true; /* L20, NP-62 */
	put(old);
	compile(NULL);
	assert_string_equal("new",
			    snapshot_pod_by_address(snapshot, &addr)->name);
}

static void an_address_of_the_node_is_never_a_pods(void **state)
{
	struct object stray = a_pod("shop", "stray", "app=odd", "192.0.2.1");
	const struct ip_addr node = an_addr("192.0.2.1");

	(void)state; /* NP-53 */
	stray.pod.node_name = "node-2";
	put(stray);
	put(a_pod("shop", "odd", "app=odd", "192.0.2.1"));
	put(a_policy("shop", "deny", "app=odd", DIRECTION_INGRESS));
	compile("node-1");
	assert_null(snapshot_pod_by_address(snapshot, &node));
	assert_int_equal(0, count_isolated(DIRECTION_INGRESS));
	assert_true(snapshot_is_node_of(snapshot, &node, pod_at("10.0.0.1")));
	assert_false(snapshot_is_node_of(snapshot, &node, pod_at("10.0.0.3")));
}

static void an_explanation_names_what_is_missing(void **state)
{
	struct object p =
		a_policy("shop", "allow-web", "app=db", DIRECTION_INGRESS);
	struct flow_key key = flow("10.0.0.3", "10.0.0.2", PROTOCOL_TCP, 81);
	struct arena arena = { 0 };
	const struct side_explanation *side;
	struct explanation explanation;

	(void)state;
	put(a_policy("shop", "a-deny", "", DIRECTION_INGRESS));
	p = with_rule(p, DIRECTION_INGRESS,
		      on_ports(a_block_rule("172.16.0.0/12", NULL),
			       PROTOCOL_TCP, 80, 80));
	put(with_rule(p, DIRECTION_INGRESS, a_pod_rule("team=a", "app=web")));
	compile(NULL);
	assert_int_equal(
		0, snapshot_explain(snapshot, &key, &arena, &explanation));
	side = &explanation.sides[DIRECTION_INGRESS];
	assert_int_equal(VERDICT_DENY, explanation.decision.verdict);
	assert_int_equal(2, side->n_isolating);
	assert_string_equal("a-deny", side->isolating[0]->name);
	assert_int_equal(2, side->n_rules);
	assert_int_equal(MISS_PORT | MISS_BLOCK, side->rules[0].misses);
	assert_int_equal(MISS_NAMESPACE_LABELS, side->rules[1].misses);
	assert_ptr_equal(&side->rules[1], side->nearest);
	assert_string_equal("allow-web", side->nearest->policy->name);
	assert_int_equal(1, side->nearest->namespace_labels.n);
	assert_string_equal("team",
			    side->nearest->namespace_labels.items[0]->key);
	arena_release(&arena);
}

static void an_explanation_names_the_first_rule_that_allows(void **state)
{
	struct object p = a_policy("shop", "p", "app=db", DIRECTION_INGRESS);
	struct object q = a_policy("shop", "q", "app=db", DIRECTION_INGRESS);
	struct flow_key key = flow("10.0.0.1", "10.0.0.2", PROTOCOL_TCP, 80);
	struct arena arena = { 0 };
	const struct side_explanation *side;
	struct explanation explanation;

	(void)state;
	put(with_rule(q, DIRECTION_INGRESS, anyone));
	p = with_rule(p, DIRECTION_INGRESS, a_pod_rule("team=b", NULL));
	p = with_rule(p, DIRECTION_INGRESS, a_pod_rule(NULL, "app=web"));
	put(with_rule(p, DIRECTION_INGRESS, anyone));
	compile(NULL);
	assert_int_equal(
		0, snapshot_explain(snapshot, &key, &arena, &explanation));
	side = &explanation.sides[DIRECTION_INGRESS];
	assert_int_equal(REASON_RULE, side->side.reason);
	assert_string_equal("p", side->policy->name);
	assert_int_equal(1, side->rule);
	assert_null(explanation.sides[DIRECTION_EGRESS].policy);
	arena_release(&arena);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, free_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_policies_everything_passes),
		TEST(isolation_is_per_direction),
		TEST(peers_select_pods),
		TEST(blocks_match_any_address),
		TEST(ports_match_the_destination),
		TEST(a_named_egress_port_is_each_destinations_own),
		TEST(a_node_judges_its_own_pods_only),
		TEST(the_better_claim_holds_a_contested_address),
		TEST(an_address_of_the_node_is_never_a_pods),
		TEST(an_explanation_names_what_is_missing),
		TEST(an_explanation_names_the_first_rule_that_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
