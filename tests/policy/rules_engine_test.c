/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of policy/RULES.md that no other test shows, each in a small world. A
 * row's name begins with the rule it is about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/judge.h"
#include "netpold/snapshot.h"

#include "object_build.h"
#include "packet_build.h"
#include "manifest/reading.h"

/*
 * All on node-1 (192.0.2.1); nothing is isolated before a test says so.
 *
 *	shop	team=a	web 10.0.0.1 fd00::1	app=web
 *			db  10.0.0.2 fd00::2	app=db
 *	other	team=b	far 10.0.0.3		app=web
 */
#define WEB "10.0.0.1"
#define DB "10.0.0.2"
#define FAR "10.0.0.3"
#define NODE "192.0.2.1"
#define OUTSIDE "203.0.113.9"

#define INGRESS DIRECTION_INGRESS
#define EGRESS DIRECTION_EGRESS
#define TCP PROTOCOL_TCP
#define UDP PROTOCOL_UDP
#define ICMP PROTOCOL_ICMP
#define GRE 47

static struct cluster *cluster;
static struct snapshot *snapshot;
static const struct rule anyone;

static void put(struct object object)
{
	assert_true(cluster_put(cluster, &object, 0) >= 0);
}

static int make_world(void **state)
{
	(void)state;
	cluster = cluster_new();
	put(a_namespace("shop", "kubernetes.io/metadata.name=shop,team=a"));
	put(a_namespace("other", "kubernetes.io/metadata.name=other,team=b"));
	put(a_pod("shop", "web", "app=web", WEB ",fd00::1"));
	put(a_pod("shop", "db", "app=db", DB ",fd00::2"));
	put(a_pod("other", "far", "app=web", FAR));
	put(a_node("node-1", NODE));
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

/* As it is when it has been deleted again: with a policy of one name each case
   replaces the one before it. */
static struct object deny(enum direction dir)
{
	return a_policy("shop", "p", "", dir);
}

static struct object allow(enum direction dir, struct rule rule)
{
	return with_rule(deny(dir), dir, rule);
}

static void compile(void)
{
	snapshot_free(snapshot);
	assert_int_equal(0, snapshot_compile(cluster, NULL, &snapshot, NULL));
}

static void put_read(void *ctx, const struct object *object)
{
	(void)ctx;
	put(*object);
}

/* Objects written as a manifest; how many of them are refused. */
static size_t put_text(const char *text)
{
	struct pieces pieces = pieces_of(text, 1 << 20);
	struct reading reading = { 0 };

	read_pieces(&pieces, false, put_read, NULL, &reading);
	reading_release(&reading);
	return reading.n_errors;
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

static void expect_key(const char *name, struct flow_key key,
		       enum verdict verdict)
{
	struct decision d = snapshot_decide(snapshot, &key);

	if (d.verdict != verdict)
		fail_msg("%s: expected %s, got %s (%s, %s)", name,
			 verdict_name(verdict), verdict_name(d.verdict),
			 reason_name(d.sides[EGRESS].reason),
			 reason_name(d.sides[INGRESS].reason));
}

static void allowed(const char *name, const char *src, const char *dst,
		    uint8_t protocol, uint16_t port)
{
	expect_key(name, flow(src, dst, protocol, port), VERDICT_ALLOW);
}

static void denied(const char *name, const char *src, const char *dst,
		   uint8_t protocol, uint16_t port)
{
	expect_key(name, flow(src, dst, protocol, port), VERDICT_DENY);
}

static enum answer answer_to(enum packet_class class, struct bytes packet)
{
	struct packet parsed;

	return judge_packet(snapshot, class, packet.data, packet.len,
			    NODE_FORWARDS, &parsed)
		.answer;
}

static void expect_answer(const char *name, enum packet_class class,
			  struct bytes packet, enum answer answer)
{
	enum answer got = answer_to(class, packet);

	if (got != answer)
		fail_msg("%s: expected answer %d, got %d", name, answer, got);
}

/* ---- the decision ------------------------------------------------------- */

static void nothing_else_changes_a_decision(void **state)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_PSH,
					 TCP_SYN | TCP_FIN };

	(void)state;
	put(allow(INGRESS, on_ports(a_pod_rule(NULL, "app=web"), TCP, 80, 80)));
	compile();
	for (size_t i = 0; i < sizeof(flags); i++) {
		for (uint16_t from = 79; from <= 81; from++) {
			expect_answer(
				"DEC-1: neither the source port nor "
				"other flags shut an open port",
				CLASS_ORIGINAL_NEW,
				ipv4(WEB, DB, TCP, tcp(from, 80, flags[i])),
				ANSWER_ALLOW);
			expect_answer(
				"DEC-1: nor do they open another",
				CLASS_ORIGINAL_NEW,
				ipv4(WEB, DB, TCP, tcp(from, 81, flags[i])),
				ANSWER_DENY);
		}
	}
	put(allow(INGRESS, a_pod_rule(NULL, "app=web")));
	compile();
	for (unsigned int type = 0; type < 256; type++) {
		struct bytes echo = icmp((uint8_t)type, (uint8_t)~type, 7);

		expect_answer("DEC-2: no type or code of ICMP shuts it out",
			      CLASS_ORIGINAL_NEW, ipv4(WEB, DB, ICMP, echo),
			      ANSWER_ALLOW);
		expect_answer("DEC-2: nor lets it in", CLASS_ORIGINAL_NEW,
			      ipv4(FAR, DB, ICMP, echo), ANSWER_DENY);
	}
}

static void both_ends_are_asked(void **state)
{
	struct flow_key key = flow(WEB, DB, TCP, 80);

	(void)state;
	put(deny(EGRESS));
	compile();
	denied("DEC-5: the sender's egress can end it", WEB, FAR, TCP, 80);
	allowed("DEC-5: egress is not the receiver's to judge", FAR, WEB, TCP,
		80);
	allowed("DEC-5, L26: to itself a pod needs no egress rule", WEB, WEB,
		TCP, 80);
	put(deny(INGRESS));
	compile();
	denied("DEC-5: the receiver's ingress can end it", FAR, WEB, TCP, 80);
	allowed("DEC-5: ingress is not the sender's to judge", WEB, FAR, TCP,
		80);
	key.from_own_node = true;
	expect_key("DEC-5: what a pod sends is never the node's", key,
		   VERDICT_DENY);
	key.src = an_addr(NODE);
	expect_key("DEC-5: what the node itself sends skips ingress", key,
		   VERDICT_ALLOW);
}

static void a_snapshot_stays_what_it_is(void **state)
{
	struct snapshot *before;

	(void)state;
	compile();
	before = snapshot;
	snapshot = NULL;
	put(deny(INGRESS));
	compile();
	denied("DEC-8: the next snapshot knows the change", WEB, DB, TCP, 80);
	snapshot_free(snapshot);
	snapshot = before;
	allowed("DEC-8: the one before knows nothing of it", WEB, DB, TCP, 80);
}

static void a_pod_always_reaches_itself(void **state)
{
	struct object policy = deny(INGRESS);

	(void)state;
	policy.policy.isolates[EGRESS] = true;
	put(policy);
	compile();
	allowed("L26: a pod reaches itself over TCP", WEB, WEB, TCP, 80);
	allowed("L26: over UDP", WEB, WEB, UDP, 53);
	allowed("L26: by ping", WEB, WEB, ICMP, 0);
	allowed("L26: over IPv6", "fd00::1", "fd00::1", TCP, 80);
	denied("L26: but no other of its namespace", WEB, DB, TCP, 80);
}

static void replies_are_allowed_with_their_flow(void **state)
{
	struct object policy = allow(
		EGRESS, on_ports(a_pod_rule(NULL, "app=db"), TCP, 80, 80));

	(void)state;
	policy = with_rule(policy, INGRESS,
			   on_ports(a_pod_rule(NULL, "app=web"), TCP, 80, 80));
	policy.policy.isolates[INGRESS] = true;
	put(policy);
	compile();
	expect_answer("NP-16: no rule is needed for replies", CLASS_REPLY,
		      ipv4(DB, WEB, TCP, tcp(80, 4000, TCP_SYN | TCP_ACK)),
		      ANSWER_ALLOW);
	expect_answer("NP-16: which open nothing by themselves",
		      CLASS_ORIGINAL_NEW,
		      ipv4(DB, WEB, TCP, tcp(80, 4000, TCP_SYN)), ANSWER_DENY);
}

/* ---- isolation and union ------------------------------------------------ */

static void who_is_not_isolated_is_open(void **state)
{
	(void)state;
	put(a_policy("shop", "p", "app=db", INGRESS));
	compile();
	allowed("NP-11: a pod that is not selected takes TCP", FAR, WEB, TCP,
		80);
	allowed("NP-11: takes other protocols", OUTSIDE, WEB, GRE, 0);
	allowed("NP-11: and sends what it likes", WEB, OUTSIDE, ICMP, 0);
	allowed("NP-11: isolated one way, a pod is open the other way", DB,
		OUTSIDE, TCP, 443);
}

static void policies_only_add(void **state)
{
	struct object one = a_policy("shop", "one", "app=db", INGRESS);
	struct object two = a_policy("shop", "two", "", INGRESS);

	(void)state;
	one = with_rule(one, INGRESS, a_block_rule("198.51.100.0/24", NULL));
	put(with_rule(one, INGRESS, on_ports(anyone, TCP, 80, 80)));
	put(with_rule(two, INGRESS, on_ports(anyone, TCP, 81, 81)));
	put(a_policy("shop", "a-deny", "", INGRESS));
	put(a_policy("shop", "z-deny", "", INGRESS));
	compile();
	allowed("NP-12: one rule of one policy is enough", FAR, DB, TCP, 80);
	allowed("NP-12: of whichever policy", FAR, DB, TCP, 81);
	denied("NP-12: what none allows is denied", FAR, DB, TCP, 82);
	denied("NP-12: a policy allows for the pods it selects alone", FAR, WEB,
	       TCP, 80);
}

static void every_requirement_of_a_selector_counts(void **state)
{
	(void)state;
	put(a_pod("shop", "web", "app=web,tier=front", WEB));
	put(allow(INGRESS, a_pod_rule(NULL, "app=web,tier=front")));
	compile();
	allowed("NP-20: all requirements hold", WEB, DB, TCP, 80);
	put(allow(INGRESS, a_pod_rule(NULL, "app=web,tier=back")));
	compile();
	denied("NP-20: one that does not is enough", WEB, DB, TCP, 80);
	put(a_policy("shop", "p", "app=web,tier=back", INGRESS));
	compile();
	allowed("NP-20: also for whom a policy selects", DB, WEB, TCP, 80);
}

/* An absent list and an empty one are the same thing. */
static void empty_lists_are_absent_lists(void **state)
{
	static const struct {
		const char *name, *spec;
		enum verdict verdict;
	} rows[] = {
		{ "NP-2: an absent list of rules is none", "", VERDICT_DENY },
		{ "NP-2: so is an empty one", ", ingress: []", VERDICT_DENY },
		{ "NP-2: so is null", ", ingress: null", VERDICT_DENY },
		{ "NP-2: absent peers are any", ", ingress: [{}]",
		  VERDICT_ALLOW },
		{ "NP-2: so are empty ones", ", ingress: [{from: []}]",
		  VERDICT_ALLOW },
		{ "NP-2: empty ports are any", ", ingress: [{ports: []}]",
		  VERDICT_ALLOW },
		{ "NP-2: an empty list of excepts takes nothing away",
		  ", ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, "
		  "except: []}}]}]",
		  VERDICT_ALLOW },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "apiVersion: networking.k8s.io/v1\n"
			 "kind: NetworkPolicy\n"
			 "metadata: {name: p, namespace: shop}\n"
			 "spec: {podSelector: {}%s}\n",
			 rows[i].spec);
		assert_int_equal(0, put_text(text));
		compile();
		expect_key(rows[i].name, flow(FAR, DB, UDP, 9),
			   rows[i].verdict);
	}
}

static void a_refused_policy_widens_nothing(void **state)
{
	(void)state;
	put(deny(INGRESS));
	assert_int_equal(
		1, put_text("apiVersion: networking.k8s.io/v1\n"
			    "kind: NetworkPolicy\n"
			    "metadata: {name: p, namespace: shop}\n"
			    "spec: {podSelector: {}, ingress: [{form: []}]}"));
	compile();
	denied("L23: a rule with an unknown field does not let everyone in",
	       FAR, DB, TCP, 80);
}

/* ---- labels and ports --------------------------------------------------- */

static void labels_are_those_of_now(void **state)
{
	(void)state;
	put(allow(INGRESS, a_pod_rule("team=c", NULL)));
	compile();
	denied("NP-40: the namespace has not got the label", FAR, DB, TCP, 80);
	put(a_namespace("other", "kubernetes.io/metadata.name=other,team=c"));
	compile();
	allowed("NP-40: now it has, and no pod had to change", FAR, DB, TCP,
		80);
	put(allow(INGRESS, a_pod_rule(NULL, "app=api")));
	compile();
	denied("NP-68: the pod has not got the label", WEB, DB, TCP, 80);
	put(a_pod("shop", "web", "app=api", WEB ",fd00::1"));
	compile();
	allowed("NP-68: a running pod got it", WEB, DB, TCP, 80);
	put(a_policy("shop", "p", "app=web", INGRESS));
	compile();
	allowed("NP-68: and is selected by its old one no more", FAR, WEB, TCP,
		80);
}

static void ports_are_those_of_the_destination(void **state)
{
	(void)state;
	put(allow(INGRESS, on_ports(anyone, TCP, 80, 80)));
	compile();
	allowed("NP-43: protocol and port fit", FAR, DB, TCP, 80);
	denied("NP-43: the port does not", FAR, DB, TCP, 81);
	denied("NP-43: the protocol does not", FAR, DB, UDP, 80);
	put(allow(INGRESS, on_protocol(anyone, UDP)));
	compile();
	allowed("NP-43: without a port every port fits", FAR, DB, UDP, 9);
	put(allow(EGRESS, on_ports(anyone, TCP, 80, 80)));
	compile();
	expect_answer(
		"NP-44: egress rules too are about the destination's port",
		CLASS_ORIGINAL_NEW, ipv4(DB, FAR, TCP, tcp(4000, 80, TCP_SYN)),
		ANSWER_ALLOW);
	expect_answer("NP-44: never about the source's", CLASS_ORIGINAL_NEW,
		      ipv4(DB, FAR, TCP, tcp(80, 4000, TCP_SYN)), ANSWER_DENY);
}

/* ---- nodes, and what is no pod ------------------------------------------ */

#define DNS_CACHE "169.254.20.10"

static void a_node_is_no_pod(void **state)
{
	(void)state;
	put(allow(EGRESS, a_pod_rule("", "")));
	compile();
	denied("NP-57: egress to the own node takes a rule, and peers that "
	       "select all pods are none",
	       WEB, NODE, TCP, 10250);
	denied("NP-58: a DNS cache on the node is not the DNS pods", WEB,
	       DNS_CACHE, UDP, 53);
	put(allow(EGRESS,
		  on_ports(a_block_rule(DNS_CACHE "/32", NULL), UDP, 53, 53)));
	compile();
	allowed("NP-58: a block lets pods use it", WEB, DNS_CACHE, UDP, 53);
	put(allow(EGRESS, a_block_rule(NODE "/32", NULL)));
	compile();
	allowed("NP-57: a block opens the own node", WEB, NODE, TCP, 10250);
}

static void a_group_is_no_pod(void **state)
{
	static const char *const groups[] = { "224.0.0.251", "255.255.255.255",
					      "10.0.0.255" };

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		put(deny(INGRESS));
		compile();
		allowed("NP-73: nobody's ingress is asked about multicast and "
			"broadcast",
			WEB, groups[i], UDP, 5353);
		put(allow(EGRESS, a_pod_rule("", NULL)));
		compile();
		denied("NP-73: the sender's egress is, and selectors find no "
		       "pod there",
		       WEB, groups[i], UDP, 5353);
		put(allow(EGRESS, a_block_rule("0.0.0.0/0", NULL)));
		compile();
		allowed("NP-73: a block can allow it", WEB, groups[i], UDP,
			5353);
		put(allow(EGRESS, anyone));
		compile();
		allowed("NP-73: so can a rule for everyone", WEB, groups[i],
			UDP, 5353);
	}
}

static void a_tunnel_is_judged_by_its_outside(void **state)
{
	struct bytes inner = ipv4(WEB, DB, TCP, tcp(4000, 80, TCP_SYN));

	(void)state;
	put(allow(INGRESS, on_ports(anyone, TCP, 80, 80)));
	compile();
	expect_answer("NP-76: what IP in IP carries opens nothing",
		      CLASS_ORIGINAL_NEW, ipv4(FAR, DB, 4, inner), ANSWER_DENY);
	expect_answer("NP-76: nor what UDP carries", CLASS_ORIGINAL_NEW,
		      ipv4(FAR, DB, UDP, bytes_join(udp(9, 8472), inner)),
		      ANSWER_DENY);
	expect_answer("NP-76: nor does it shut anything", CLASS_ORIGINAL_NEW,
		      ipv4(DB, FAR, 4, inner), ANSWER_ALLOW);
}

/* ---- the life of a pod -------------------------------------------------- */

#define POD_TEXT(rest)                                                         \
	"apiVersion: v1\nkind: Pod\nmetadata:\n"                               \
	"  name: new\n  namespace: shop\n" rest

static void a_pod_is_isolated_from_its_first_address_on(void **state)
{
	(void)state;
	put(deny(INGRESS));
	assert_int_equal(0, put_text(POD_TEXT("status: {phase: Pending}\n")));
	compile();
	allowed("NP-19: without an address there is nothing to isolate", FAR,
		"10.0.0.9", TCP, 80);
	assert_int_equal(0, put_text(POD_TEXT("status: {phase: Pending, "
					      "podIP: 10.0.0.9}\n")));
	compile();
	denied("NP-19: a pod is isolated while its init containers run", FAR,
	       "10.0.0.9", TCP, 80);
}

static void only_addresses_of_the_status_are_a_pods(void **state)
{
	(void)state;
	put(deny(INGRESS));
	assert_int_equal(
		0,
		put_text(POD_TEXT("  annotations:\n"
				  "    k8s.v1.cni.cncf.io/network-status: >-\n"
				  "      [{\"ips\": [\"10.9.0.9\"]}]\n"
				  "status: {podIP: 10.0.0.9}\n")));
	compile();
	denied("NP-69: the address in the status is enforced", FAR, "10.0.0.9",
	       TCP, 80);
	allowed("NP-69: one of a second network is not", FAR, "10.9.0.9", TCP,
		80);
}

static void a_pod_counts_until_it_is_gone(void **state)
{
	struct object db = a_pod("shop", "db", "app=db", DB);

	(void)state;
	db.pod.deleting = true;
	put(db);
	put(a_policy("shop", "p", "app=db", INGRESS));
	compile();
	denied("NP-63: a pod that is being deleted stays isolated", FAR, DB,
	       TCP, 80);
	put(a_policy("shop", "p", "app=web", INGRESS));
	put(with_rule(a_policy("shop", "q", "app=web", INGRESS), INGRESS,
		      a_pod_rule(NULL, "app=db")));
	compile();
	allowed("NP-63: and stays a peer", DB, WEB, TCP, 80);
}

static void an_address_goes_with_its_owner(void **state)
{
	struct object db = a_pod("shop", "db", "app=db", DB);

	(void)state;
	put(a_policy("shop", "p", "app=db", INGRESS));
	compile();
	denied("NP-65: the address is that of an isolated pod", FAR, DB, TCP,
	       80);
	db.pod.finished = true;
	put(db);
	put(a_pod("other", "heir", "app=db", DB));
	compile();
	allowed("NP-65: its next owner is another namespace's, and open", FAR,
		DB, TCP, 80);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, free_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_else_changes_a_decision),
		TEST(both_ends_are_asked),
		TEST(a_snapshot_stays_what_it_is),
		TEST(a_pod_always_reaches_itself),
		TEST(replies_are_allowed_with_their_flow),
		TEST(who_is_not_isolated_is_open),
		TEST(policies_only_add),
		TEST(every_requirement_of_a_selector_counts),
		TEST(empty_lists_are_absent_lists),
		TEST(a_refused_policy_widens_nothing),
		TEST(labels_are_those_of_now),
		TEST(ports_are_those_of_the_destination),
		TEST(a_node_is_no_pod),
		TEST(a_group_is_no_pod),
		TEST(a_tunnel_is_judged_by_its_outside),
		TEST(a_pod_is_isolated_from_its_first_address_on),
		TEST(only_addresses_of_the_status_are_a_pods),
		TEST(a_pod_counts_until_it_is_gone),
		TEST(an_address_goes_with_its_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
