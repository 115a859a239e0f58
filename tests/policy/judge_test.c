/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/judge.h"

#include "object_build.h"
#include "packet_build.h"

/*
 * client 10.0.0.1 may open flows to server 10.0.0.2, port 80 of TCP and UDP,
 * and nobody may open a flow to client. Both isolate egress and ingress.
 */
#define CLIENT "10.0.0.1"
#define SERVER "10.0.0.2"

static struct snapshot *snapshot;

static struct object allow_http(const char *name, const char *pods,
				enum direction dir, const char *peer)
{
	struct object policy = a_policy("shop", name, pods, dir);
	struct rule rule = a_pod_rule(NULL, peer);

	policy = with_rule(policy, dir, on_ports(rule, PROTOCOL_TCP, 80, 80));
	return with_rule(policy, dir, on_ports(rule, PROTOCOL_UDP, 80, 80));
}

static struct snapshot *compile_objects(struct object *objects, size_t n)
{
	struct cluster *cluster = cluster_new();
	struct snapshot *compiled;

	for (size_t i = 0; i < n; i++)
		cluster_put(cluster, &objects[i], 0);
	assert_int_equal(0, snapshot_compile(cluster, NULL, &compiled, NULL));
	cluster_free(cluster);
	return compiled;
}

static int make_world(void **state)
{
	struct object objects[] = {
		a_pod("shop", "client", "app=client", CLIENT ",fd00::1"),
		a_pod("shop", "server", "app=server", SERVER ",fd00::2"),
		allow_http("out", "app=client", DIRECTION_EGRESS, "app=server"),
		allow_http("in", "app=server", DIRECTION_INGRESS, "app=client"),
		a_policy("shop", "closed-in", "app=client", DIRECTION_INGRESS),
		a_policy("shop", "closed-out", "app=server", DIRECTION_EGRESS),
	};

	(void)state;
	snapshot =
		compile_objects(objects, sizeof(objects) / sizeof(objects[0]));
	return 0;
}

static int free_world(void **state)
{
	(void)state;
	snapshot_free(snapshot);
	arena_release(&build_arena);
	return 0;
}

static struct bytes to_server(uint8_t flags)
{
	return ipv4(CLIENT, SERVER, PROTOCOL_TCP, tcp(4000, 80, flags));
}

static struct bytes from_server(uint8_t flags)
{
	return ipv4(SERVER, CLIENT, PROTOCOL_TCP, tcp(80, 4000, flags));
}

static struct bytes error_about(const char *src, const char *dst,
				struct bytes quoted)
{
	return ipv4(src, dst, PROTOCOL_ICMP, bytes_join(icmp(3, 4, 0), quoted));
}

static const char *const answer_names[] = {
	[ANSWER_DENY] = "deny",
	[ANSWER_PASS] = "pass",
	[ANSWER_ALLOW] = "allow",
	[ANSWER_ALLOW_PICKED_UP] = "allow, picked up",
};

static void expect_at(const char *name, enum node_part node,
		      enum packet_class class, struct bytes packet,
		      enum answer answer)
{
	struct packet parsed;
	struct judgement got = judge_packet(snapshot, class, packet.data,
					    packet.len, node, &parsed);

	if (got.answer != answer)
		fail_msg("%s: expected '%s', got '%s'", name,
			 answer_names[answer], answer_names[got.answer]);
}

static void expect(const char *name, enum packet_class class,
		   struct bytes packet, enum answer answer)
{
	expect_at(name, NODE_FORWARDS, class, packet, answer);
}

static void flows_are_judged_as_they_were_opened(void **state)
{
	(void)state; /* DEC-4 */
	expect("an allowed flow is marked", CLASS_ORIGINAL_NEW,
	       to_server(TCP_SYN), ANSWER_ALLOW);
	expect("a denied flow is dropped", CLASS_ORIGINAL_NEW,
	       ipv4(CLIENT, SERVER, PROTOCOL_TCP, tcp(4000, 81, TCP_SYN)),
	       ANSWER_DENY);
	expect("a packet of an unmarked flow is judged again", CLASS_ORIGINAL,
	       to_server(TCP_ACK), ANSWER_ALLOW);
	expect("a reply takes the decision of its flow", CLASS_REPLY,
	       from_server(TCP_SYN | TCP_ACK), ANSWER_ALLOW);
	expect("a reply of a denied flow is dropped", CLASS_REPLY,
	       ipv4(SERVER, CLIENT, PROTOCOL_TCP, tcp(81, 4000, TCP_ACK)),
	       ANSWER_DENY);
	expect("UDP is judged in its own direction", CLASS_ORIGINAL_NEW,
	       ipv4(CLIENT, SERVER, PROTOCOL_UDP, udp(4000, 80)), ANSWER_ALLOW);
	expect("UDP against its direction opens nothing", CLASS_ORIGINAL_NEW,
	       ipv4(SERVER, CLIENT, PROTOCOL_UDP, udp(80, 4000)), ANSWER_DENY);
}

static void a_flow_met_in_its_middle_passes_either_way(void **state)
{
	(void)state; /* NF-53 */
	expect("the opener's packet", CLASS_ORIGINAL_NEW, to_server(TCP_ACK),
	       ANSWER_ALLOW_PICKED_UP);
	expect("the server's packet, which conntrack takes for the opener's",
	       CLASS_ORIGINAL_NEW, from_server(TCP_ACK),
	       ANSWER_ALLOW_PICKED_UP);
	expect("a flow that is allowed neither way", CLASS_ORIGINAL_NEW,
	       ipv4(SERVER, CLIENT, PROTOCOL_TCP, tcp(81, 4000, TCP_ACK)),
	       ANSWER_DENY);
}

static void a_syn_is_always_judged_in_its_own_direction(void **state)
{
	(void)state; /* NF-53 */
	expect("after a stray ACK of the server", CLASS_REPLY,
	       to_server(TCP_SYN), ANSWER_ALLOW_PICKED_UP);
	expect("a server's SYN is no reply", CLASS_REPLY, from_server(TCP_SYN),
	       ANSWER_DENY);
	expect("a server's SYN in a flow that passes", CLASS_ORIGINAL,
	       from_server(TCP_SYN), ANSWER_DENY);
	expect("a server's SYN, untracked", CLASS_UNTRACKED,
	       from_server(TCP_SYN), ANSWER_DENY);
	expect("SYN with other flags is a SYN", CLASS_REPLY,
	       from_server(TCP_SYN | TCP_PSH | TCP_FIN), ANSWER_DENY);
}

static struct bytes to_node(uint8_t flags)
{
	return ipv4(SERVER, "192.0.2.1", PROTOCOL_TCP, tcp(81, 4000, flags));
}

static void what_a_pod_answers_to_its_own_node_passes(void **state)
{
	(void)state; /* NP-55, L11: whatever the node opens is allowed */
	expect_at("in a flow met in its middle", NODE_RECEIVES,
		  CLASS_ORIGINAL_NEW, to_node(TCP_ACK), ANSWER_ALLOW_PICKED_UP);
	expect_at("in a flow that lost its mark; it gets it back from the node",
		  NODE_RECEIVES, CLASS_REPLY, to_node(TCP_ACK), ANSWER_PASS);
	expect_at("in a flow that is not tracked", NODE_RECEIVES,
		  CLASS_UNTRACKED, to_node(TCP_ACK), ANSWER_PASS);
	expect_at("but a SYN is no answer", NODE_RECEIVES, CLASS_ORIGINAL_NEW,
		  to_node(TCP_SYN), ANSWER_DENY);
	expect_at("nor is what conntrack says the pod opened", NODE_RECEIVES,
		  CLASS_ORIGINAL, to_node(TCP_ACK), ANSWER_DENY);
	expect_at("and to another node nothing passes", NODE_FORWARDS,
		  CLASS_ORIGINAL_NEW, to_node(TCP_ACK), ANSWER_DENY);
}

static void untracked_packets_are_judged_one_by_one(void **state)
{
	(void)state; /* NF-51 */
	expect("in the direction allowed", CLASS_UNTRACKED, to_server(TCP_ACK),
	       ANSWER_PASS);
	expect("against it, as a reply", CLASS_UNTRACKED, from_server(TCP_ACK),
	       ANSWER_PASS);
	expect("a SYN passes, and nothing is remembered", CLASS_UNTRACKED,
	       to_server(TCP_SYN), ANSWER_PASS);
	expect("neither way", CLASS_UNTRACKED,
	       ipv4(CLIENT, SERVER, PROTOCOL_UDP, udp(4000, 81)), ANSWER_DENY);
}

static void errors_take_the_decision_of_their_flow(void **state)
{
	(void)state; /* NP-71, L19 */
	expect("about a packet of the opener", CLASS_RELATED_REPLY,
	       error_about("192.0.2.9", CLIENT, to_server(TCP_ACK)),
	       ANSWER_PASS);
	expect("about a reply", CLASS_RELATED,
	       error_about("192.0.2.9", SERVER, from_server(TCP_ACK)),
	       ANSWER_PASS);
	expect("about a flow that is denied", CLASS_RELATED_REPLY,
	       error_about("192.0.2.9", SERVER, from_server(TCP_ACK)),
	       ANSWER_DENY);
	expect("that quotes nothing readable", CLASS_RELATED_REPLY,
	       ipv4("192.0.2.9", CLIENT, PROTOCOL_ICMP, icmp(3, 4, 0)),
	       ANSWER_DENY);
	expect("an expected flow is judged in its own direction", CLASS_RELATED,
	       to_server(TCP_SYN), ANSWER_ALLOW);
}

static struct bytes discovery(uint8_t type, uint8_t hop_limit)
{
	return ipv6_hops("fd00::1", "fd00::2", PROTOCOL_ICMPV6, hop_limit,
			 icmp(type, 0, 0));
}

static struct bytes to_group(uint8_t type, uint8_t hop_limit)
{
	return ipv6_hops("fd00::1", "ff02::16", PROTOCOL_ICMPV6, hop_limit,
			 icmp(type, 0, 0));
}

static void discovery_passes_from_the_link_only(void **state)
{
	static const uint8_t on_link[] = { 133, 134, 135, 136, 137 };
	static const uint8_t listener[] = { 130, 131, 132, 143 };

	(void)state; /* NP-72, L5 */
	for (size_t i = 0; i < sizeof(on_link); i++) {
		expect("on the link", CLASS_UNTRACKED,
		       discovery(on_link[i], 255), ANSWER_PASS);
		expect("forwarded once", CLASS_UNTRACKED,
		       discovery(on_link[i], 254), ANSWER_DENY);
	}
	for (size_t i = 0; i < sizeof(listener); i++) {
		expect("listener discovery", CLASS_UNTRACKED,
		       to_group(listener[i], 1), ANSWER_PASS);
		expect("to a pod, from wherever", CLASS_UNTRACKED,
		       discovery(listener[i], 1), ANSWER_DENY);
		expect("to a pod, from afar", CLASS_UNTRACKED,
		       discovery(listener[i], 2), ANSWER_DENY);
	}
	expect("an echo request is ordinary ICMPv6", CLASS_ORIGINAL_NEW,
	       discovery(128, 255), ANSWER_DENY);
}

static void a_later_fragment_marks_nothing(void **state)
{
	(void)state; /* NP-74 */
	expect("of a flow between others", CLASS_ORIGINAL_NEW,
	       ipv4_fragment(
		       ipv4("192.0.2.1", "192.0.2.2", PROTOCOL_UDP, udp(1, 2)),
		       7, 1480, false),
	       ANSWER_PASS);
	expect("of a flow that needs a port to be allowed", CLASS_ORIGINAL_NEW,
	       ipv4_fragment(ipv4(CLIENT, SERVER, PROTOCOL_UDP, udp(1, 80)), 7,
			     1480, false),
	       ANSWER_DENY);
}

static void what_cannot_be_read_is_dropped(void **state)
{
	struct bytes syn = to_server(TCP_SYN);
	struct packet parsed;

	(void)state; /* L6, L7, NP-75 */
	for (size_t len = 0; len < syn.len; len++) {
		struct judgement got =
			judge_packet(snapshot, CLASS_ORIGINAL_NEW, syn.data,
				     len, NODE_FORWARDS, &parsed);

		/* 34 bytes hold the ports and the flags. */
		if (len < 34 &&
		    (got.answer != ANSWER_DENY || got.note != NOTE_UNPARSABLE))
			fail_msg("%zu bytes: expected unparsable", len);
	}
}

/* Who asks what is in the key: the answer of each is that of its direction. */
static void expect_memorable(const char *name, bool memorable,
			     enum packet_class class, struct bytes packet)
{
	struct packet parsed;
	struct judgement got = judge_packet(snapshot, class, packet.data,
					    packet.len, NODE_FORWARDS, &parsed);
	struct decision same = snapshot_decide(snapshot, &got.key);

	if (got.memorable != memorable)
		fail_msg("%s: expected %d, got %d", name, memorable,
			 got.memorable);
	if (memorable && (got.reversed || same.verdict != got.decision.verdict))
		fail_msg("%s: it is not the answer to its key", name);
}

static void what_the_key_decides_is_memorable(void **state)
{
	(void)state; /* NF-95, DEC-2 */
	expect_memorable("a SYN that is allowed", true, CLASS_ORIGINAL_NEW,
			 to_server(TCP_SYN));
	expect_memorable("a SYN that is denied", true, CLASS_ORIGINAL_NEW,
			 from_server(TCP_SYN));
	expect_memorable("a SYN of a flow that is known", true, CLASS_ORIGINAL,
			 to_server(TCP_SYN));
	expect_memorable("a datagram", true, CLASS_ORIGINAL_NEW,
			 ipv4(CLIENT, SERVER, PROTOCOL_UDP, udp(1, 80)));
	expect_memorable("another of its flow", true, CLASS_ORIGINAL,
			 ipv4(CLIENT, SERVER, PROTOCOL_UDP, udp(1, 80)));
	expect_memorable("SCTP", true, CLASS_ORIGINAL_NEW,
			 ipv4(CLIENT, SERVER, PROTOCOL_SCTP, sctp(1, 80)));
	expect_memorable("an echo request", true, CLASS_ORIGINAL_NEW,
			 ipv4(CLIENT, SERVER, PROTOCOL_ICMP, icmp(8, 0, 1)));
	expect_memorable(
		"an echo request of IPv6", true, CLASS_ORIGINAL_NEW,
		ipv6("fd00::1", "fd00::2", PROTOCOL_ICMPV6, icmp(128, 0, 1)));
}

/* NP-8: what is staged decides nothing, and is told where it differs. */
static void what_is_staged_is_told(void **state)
{
	struct object objects[] = {
		a_pod("shop", "client", "app=client", CLIENT),
		a_pod("shop", "server", "app=server", SERVER),
		with_mode(a_policy("shop", "closed-in", "app=server",
				   DIRECTION_INGRESS),
			  POLICY_MODE_AUDIT),
	};
	struct bytes syn = to_server(TCP_SYN), back = from_server(TCP_SYN);
	struct bytes middle = to_server(TCP_ACK);
	struct snapshot *staged =
		compile_objects(objects, sizeof(objects) / sizeof(objects[0]));
	struct packet parsed;
	struct judgement got;

	(void)state;
	got = judge_packet(staged, CLASS_ORIGINAL_NEW, syn.data, syn.len,
			   NODE_FORWARDS, &parsed);
	assert_int_equal(ANSWER_ALLOW, got.answer);
	assert_int_equal(VERDICT_DENY, got.planned.verdict);
	assert_int_equal(REASON_NO_RULE_MATCHES,
			 got.planned.sides[DIRECTION_INGRESS].reason);
	assert_false(got.memorable);
	got = judge_packet(staged, CLASS_ORIGINAL_NEW, back.data, back.len,
			   NODE_FORWARDS, &parsed);
	assert_int_equal(VERDICT_ALLOW, got.planned.verdict);
	assert_true(got.memorable);
	/* Asked both ways, one is open in either case. */
	got = judge_packet(staged, CLASS_ORIGINAL_NEW, middle.data, middle.len,
			   NODE_FORWARDS, &parsed);
	assert_int_equal(ANSWER_ALLOW_PICKED_UP, got.answer);
	assert_int_equal(VERDICT_ALLOW, got.planned.verdict);
	snapshot_free(staged);
}

/* NP-8: neither way is open, and the plan opens the way back: what is enforced
   is told of that way, too, for the record names the policies of one question.
 */
static void a_planned_way_back_is_told_of_as_one_question(void **state)
{
	struct object objects[] = {
		a_pod("shop", "client", "app=client", CLIENT),
		a_pod("shop", "server", "app=server", SERVER),
		a_policy("shop", "closed-in", "app=server", DIRECTION_INGRESS),
		a_policy("shop", "closed-out", "app=server", DIRECTION_EGRESS),
		with_mode(with_rule(a_policy("shop", "out", "app=server",
					     DIRECTION_EGRESS),
				    DIRECTION_EGRESS,
				    a_pod_rule(NULL, "app=client")),
			  POLICY_MODE_AUDIT),
	};
	struct bytes middle = to_server(TCP_ACK);
	struct snapshot *staged =
		compile_objects(objects, sizeof(objects) / sizeof(objects[0]));
	const struct side *sides;
	struct packet parsed;
	struct judgement got;

	(void)state;
	got = judge_packet(staged, CLASS_ORIGINAL_NEW, middle.data, middle.len,
			   NODE_FORWARDS, &parsed);
	assert_int_equal(ANSWER_DENY, got.answer);
	assert_int_equal(VERDICT_ALLOW, got.planned.verdict);
	assert_true(got.reversed);
	assert_true(ip_addr_equal(&parsed.dst, &got.key.src));
	sides = got.decision.sides;
	assert_int_equal(REASON_NO_RULE_MATCHES,
			 sides[DIRECTION_EGRESS].reason);
	assert_int_equal(REASON_NOT_ISOLATED, sides[DIRECTION_INGRESS].reason);
	snapshot_free(staged);
}

static void nothing_else_is(void **state)
{
	(void)state; /* NF-95, NF-51, NF-53 */
	expect_memorable("the middle of a flow", false, CLASS_ORIGINAL_NEW,
			 to_server(TCP_ACK));
	expect_memorable("a packet of a flow that is known", false,
			 CLASS_ORIGINAL, to_server(TCP_ACK));
	expect_memorable("a reply", false, CLASS_REPLY,
			 from_server(TCP_SYN | TCP_ACK));
	expect_memorable("a SYN that travels as a reply", false, CLASS_REPLY,
			 to_server(TCP_SYN));
	expect_memorable("a flow that another has announced", false,
			 CLASS_RELATED, to_server(TCP_SYN));
	expect_memorable("an untracked SYN", false, CLASS_UNTRACKED,
			 to_server(TCP_SYN));
	expect_memorable("an untracked datagram", false, CLASS_UNTRACKED,
			 ipv4(CLIENT, SERVER, PROTOCOL_UDP, udp(1, 80)));
	expect_memorable("a datagram's reply", false, CLASS_REPLY,
			 ipv4(SERVER, CLIENT, PROTOCOL_UDP, udp(80, 1)));
	expect_memorable(
		"a later fragment", false, CLASS_ORIGINAL_NEW,
		ipv4_fragment(ipv4(CLIENT, SERVER, PROTOCOL_UDP, udp(1, 80)), 7,
			      8, false));
	expect_memorable("an echo request of another code", false,
			 CLASS_ORIGINAL_NEW,
			 ipv4(CLIENT, SERVER, PROTOCOL_ICMP, icmp(8, 1, 1)));
	expect_memorable("another question of ICMP", false, CLASS_ORIGINAL_NEW,
			 ipv4(CLIENT, SERVER, PROTOCOL_ICMP, icmp(13, 0, 1)));
	expect_memorable("another protocol", false, CLASS_ORIGINAL_NEW,
			 ipv4(CLIENT, SERVER, 47, bytes_zero(8)));
	expect_memorable("what cannot be read", false, CLASS_ORIGINAL_NEW,
			 bytes_cut(to_server(TCP_SYN), 24));
	expect_memorable("discovery", false, CLASS_ORIGINAL_NEW,
			 discovery(135, 255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_judged_as_they_were_opened),
		cmocka_unit_test(a_flow_met_in_its_middle_passes_either_way),
		cmocka_unit_test(a_syn_is_always_judged_in_its_own_direction),
		cmocka_unit_test(what_a_pod_answers_to_its_own_node_passes),
		cmocka_unit_test(untracked_packets_are_judged_one_by_one),
		cmocka_unit_test(errors_take_the_decision_of_their_flow),
		cmocka_unit_test(discovery_passes_from_the_link_only),
		cmocka_unit_test(a_later_fragment_marks_nothing),
		cmocka_unit_test(what_the_key_decides_is_memorable),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(what_is_staged_is_told),
		cmocka_unit_test(a_planned_way_back_is_told_of_as_one_question),
		cmocka_unit_test(what_cannot_be_read_is_dropped),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
