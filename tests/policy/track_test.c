/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/track.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/packet_build.h"

#define A "10.0.0.1"
#define B "10.0.0.2"
#define R "10.0.0.254" /* a router between them */
#define A6 "fd00::1"
#define B6 "fd00::2"
#define NO_FLOW UINT64_MAX
#define MS INT64_C(1000000)
#define N_ITEMS(array) (sizeof(array) / sizeof((array)[0]))

static const char *class_name(enum packet_class class)
{
	static const char *const names[] = {
		"ORIGINAL-NEW", "ORIGINAL",	 "REPLY",
		"RELATED",	"RELATED-REPLY", "UNTRACKED",
	};

	return names[class];
}

/* One packet of a capture, and what it has to be. */
struct step {
	const char *name;
	int64_t at_ms;
	struct bytes bytes;
	uint64_t flow;
	enum packet_class class;
};

static void take(struct track *track, const struct step *step)
{
	enum packet_status status;
	struct packet packet;
	struct tracked got;
	uint64_t flow;

	status = packet_parse(step->bytes.data, step->bytes.len, &packet);
	assert_int_equal(track_packet(track, status, &packet, step->bytes.data,
				      step->bytes.len, step->at_ms * MS, &got),
			 0);
	flow = got.flow ? got.flow->number : NO_FLOW;
	if (flow != step->flow)
		fail_msg("%s: expected flow %d, got %d", step->name,
			 (int)step->flow, (int)flow);
	if (got.flow && got.class != step->class)
		fail_msg("%s: expected %s, got %s", step->name,
			 class_name(step->class), class_name(got.class));
}

static struct track *new_track(size_t max_flows)
{
	const struct track_options options = { .hash_key = { 1, 2 },
					       .max_flows = max_flows };
	struct track *track = track_new(&options);

	assert_non_null(track);
	return track;
}

static void run(const struct step *steps, size_t n)
{
	struct track *track = new_track(0);

	for (size_t i = 0; i < n; i++)
		take(track, &steps[i]);
	track_free(track);
}

static struct bytes tcp4(const char *src, uint16_t from, const char *dst,
			 uint16_t to, uint8_t flags)
{
	return ipv4(src, dst, PROTOCOL_TCP, tcp(from, to, flags));
}

static struct bytes udp4(const char *src, uint16_t from, const char *dst,
			 uint16_t to)
{
	return ipv4(src, dst, PROTOCOL_UDP, udp(from, to));
}

static struct bytes ping4(const char *src, const char *dst, uint16_t id)
{
	return ipv4(src, dst, PROTOCOL_ICMP, icmp(8, 0, id));
}

static struct bytes pong4(const char *src, const char *dst, uint16_t id)
{
	return ipv4(src, dst, PROTOCOL_ICMP, icmp(0, 0, id));
}

static struct bytes error4(const char *src, const char *dst,
			   struct bytes quoted)
{
	return ipv4(src, dst, PROTOCOL_ICMP,
		    bytes_join(icmp(3, 1, 0), bytes_cut(quoted, 28)));
}

enum { SYN = TCP_SYN, ACK = TCP_ACK, SYNACK = TCP_SYN | TCP_ACK };
enum { FIN = TCP_FIN | TCP_ACK, RST = TCP_RST };

static void test_tcp(void **state)
{
	const struct step steps[] = {
		{ "a SYN opens", 0, tcp4(B, 4000, A, 80, SYN), 0,
		  CLASS_ORIGINAL_NEW },
		{ "its retry is of the same flow", 1000,
		  tcp4(B, 4000, A, 80, SYN), 0, CLASS_ORIGINAL },
		{ "the answer is a reply", 1001, tcp4(A, 80, B, 4000, SYNACK),
		  0, CLASS_REPLY },
		{ "the third packet goes the opener's way", 1002,
		  tcp4(B, 4000, A, 80, ACK), 0, CLASS_ORIGINAL },
		{ "another source port is another flow", 1003,
		  tcp4(B, 4001, A, 80, SYN), 1, CLASS_ORIGINAL_NEW },
		{ "after days the flow is still there", 400000000,
		  tcp4(A, 80, B, 4000, ACK), 0, CLASS_REPLY },
		{ "a SYN against an open flow does not turn it round",
		  400000001, tcp4(A, 80, B, 4000, SYN), 0, CLASS_REPLY },
	};

	(void)state;
	run(steps, N_ITEMS(steps));
}

static void test_tcp_end(void **state)
{
	const struct step steps[] = {
		{ "a SYN opens", 0, tcp4(A, 4000, B, 80, SYN), 0,
		  CLASS_ORIGINAL_NEW },
		{ "a FIN closes one side", 1, tcp4(A, 4000, B, 80, FIN), 0,
		  CLASS_ORIGINAL },
		{ "the other side may go on", 100000, tcp4(B, 80, A, 4000, ACK),
		  0, CLASS_REPLY },
		{ "a FIN closes the other side", 100001,
		  tcp4(B, 80, A, 4000, FIN), 0, CLASS_REPLY },
		{ "the last ACK is of the closed flow", 100002,
		  tcp4(A, 4000, B, 80, ACK), 0, CLASS_ORIGINAL },
		{ "a SYN after the end opens a new flow", 100003,
		  tcp4(A, 4000, B, 80, SYN), 1, CLASS_ORIGINAL_NEW },
		{ "a reset ends it", 100004, tcp4(B, 80, A, 4000, RST), 1,
		  CLASS_REPLY },
		{ "a SYN of the other side opens one the other way", 100005,
		  tcp4(B, 80, A, 4000, SYN), 2, CLASS_ORIGINAL_NEW },
		{ "its answer comes from where the first opener was", 100006,
		  tcp4(A, 4000, B, 80, SYNACK), 2, CLASS_REPLY },
	};

	(void)state;
	run(steps, N_ITEMS(steps));
}

static void test_picked_up(void **state)
{
	const struct step steps[] = {
		{ "data without an opening is picked up", 0,
		  tcp4(B, 80, A, 4000, ACK), 0, CLASS_ORIGINAL_NEW },
		{ "the other way is its reply, for want of better", 1,
		  tcp4(A, 4000, B, 80, ACK), 0, CLASS_REPLY },
		{ "a SYN against it opens a flow of its own", 2,
		  tcp4(A, 4000, B, 80, SYN), 1, CLASS_ORIGINAL_NEW },
		{ "what follows belongs to that one", 3,
		  tcp4(B, 80, A, 4000, SYNACK), 1, CLASS_REPLY },
		{ "an answer says who opened", 4, tcp4(B, 81, A, 4000, SYNACK),
		  2, CLASS_REPLY },
		{ "and the SYN before it, coming late, opens nothing else", 5,
		  tcp4(A, 4000, B, 81, SYN), 2, CLASS_ORIGINAL },
	};

	(void)state;
	run(steps, N_ITEMS(steps));
}

static void test_udp(void **state)
{
	const struct step steps[] = {
		{ "a question opens", 0, udp4(A, 5000, B, 53), 0,
		  CLASS_ORIGINAL_NEW },
		{ "the answer is a reply", 29000, udp4(B, 53, A, 5000), 0,
		  CLASS_REPLY },
		{ "an answered flow lives for 120 s", 148000,
		  udp4(A, 5000, B, 53), 0, CLASS_ORIGINAL },
		{ "and not longer", 269000, udp4(B, 53, A, 5000), 1,
		  CLASS_ORIGINAL_NEW },
		{ "an unanswered flow lives for 30 s", 298000,
		  udp4(B, 53, A, 5000), 1, CLASS_ORIGINAL },
		{ "and not longer either", 329000, udp4(B, 53, A, 5000), 2,
		  CLASS_ORIGINAL_NEW },
		{ "time that runs backwards stands still", 0,
		  udp4(A, 5000, B, 53), 2, CLASS_REPLY },
	};

	(void)state;
	run(steps, N_ITEMS(steps));
}

static void test_icmp(void **state)
{
	const struct step steps[] = {
		{ "an echo request opens", 0, ping4(A, B, 7), 0,
		  CLASS_ORIGINAL_NEW },
		{ "its reply is one", 1, pong4(B, A, 7), 0, CLASS_REPLY },
		{ "another id is another flow", 2, ping4(A, B, 8), 1,
		  CLASS_ORIGINAL_NEW },
		{ "a ping back with the same id is no reply", 3, ping4(B, A, 7),
		  2, CLASS_ORIGINAL_NEW },
		{ "and has its own", 4, pong4(A, B, 7), 2, CLASS_REPLY },
		{ "a reply alone says who asked", 5, pong4(B, A, 9), 3,
		  CLASS_REPLY },
		{ "the next request is of that flow", 6, ping4(A, B, 9), 3,
		  CLASS_ORIGINAL },
		{ "IPv6 does the same", 7, ipv6(A6, B6, 58, icmp(128, 0, 7)), 4,
		  CLASS_ORIGINAL_NEW },
		{ "and back", 8, ipv6(B6, A6, 58, icmp(129, 0, 7)), 4,
		  CLASS_REPLY },
		{ "neighbour discovery is not tracked", 9,
		  ipv6_hops(A6, B6, 58, 255, icmp(135, 0, 0)), 5,
		  CLASS_UNTRACKED },
		{ "whichever way it goes", 10,
		  ipv6_hops(B6, A6, 58, 255, icmp(136, 0, 0)), 5,
		  CLASS_UNTRACKED },
		{ "what only pretends to be discovery is another flow", 11,
		  ipv6_hops(A6, B6, 58, 64, icmp(135, 0, 0)), 6,
		  CLASS_UNTRACKED },
	};

	(void)state;
	run(steps, N_ITEMS(steps));
}

static void test_related(void **state)
{
	const struct step steps[] = {
		{ "a SYN opens", 0, tcp4(A, 4000, B, 80, SYN), 0,
		  CLASS_ORIGINAL_NEW },
		{ "an error about it travels to its opener", 1,
		  error4(R, A, tcp4(A, 4000, B, 80, SYN)), 0,
		  CLASS_RELATED_REPLY },
		{ "the answer is a reply", 2, tcp4(B, 80, A, 4000, SYNACK), 0,
		  CLASS_REPLY },
		{ "an error about the answer travels the opener's way", 3,
		  error4(A, B, tcp4(B, 80, A, 4000, SYNACK)), 0,
		  CLASS_RELATED },
		{ "an error about nothing known is a flow of its own", 4,
		  error4(R, A, tcp4(A, 4001, B, 80, SYN)), 1,
		  CLASS_ORIGINAL_NEW },
		{ "a ping opens", 5, ping4(A, B, 3), 2, CLASS_ORIGINAL_NEW },
		{ "an error about a ping is related to it", 6,
		  error4(R, A, ping4(A, B, 3)), 2, CLASS_RELATED_REPLY },
		{ "IPv6 does the same", 7, ipv6(A6, B6, 17, udp(5000, 53)), 3,
		  CLASS_ORIGINAL_NEW },
		{ "a packet that is too big is related", 8,
		  ipv6("fd00::fe", A6, 58,
		       bytes_join(icmp(2, 0, 0),
				  ipv6(A6, B6, 17, udp(5000, 53)))),
		  3, CLASS_RELATED_REPLY },
	};

	(void)state;
	run(steps, N_ITEMS(steps));
}

static void test_fragments(void **state)
{
	const struct bytes whole = udp4(A, 5000, B, 53);
	const struct bytes whole6 = udp(5000, 53);
	const struct step steps[] = {
		{ "a first fragment opens", 0,
		  ipv4_fragment(whole, 77, 0, true), 0, CLASS_ORIGINAL_NEW },
		{ "a later one is of the same flow", 1,
		  ipv4_fragment(whole, 77, 8, false), 0, CLASS_ORIGINAL },
		{ "one of another datagram is not", 2,
		  ipv4_fragment(whole, 78, 8, false), 1, CLASS_ORIGINAL_NEW },
		{ "a fragmented answer is a reply", 3,
		  ipv4_fragment(udp4(B, 53, A, 5000), 5, 0, true), 0,
		  CLASS_REPLY },
		{ "to its last fragment", 4,
		  ipv4_fragment(udp4(B, 53, A, 5000), 5, 8, false), 0,
		  CLASS_REPLY },
		{ "after 30 s nobody waits for fragments", 30500,
		  ipv4_fragment(whole, 77, 16, false), 2, CLASS_ORIGINAL_NEW },
		{ "a first fragment opens in IPv6", 30501,
		  ipv6(A6, B6, 44, fragment(17, 9, 0, true, whole6)), 3,
		  CLASS_ORIGINAL_NEW },
		{ "a later one is of the same flow in IPv6", 30502,
		  ipv6(A6, B6, 44, fragment(60, 9, 8, false, whole6)), 3,
		  CLASS_ORIGINAL },
		{ "a flow is reset by a fragment", 31000,
		  ipv4_fragment(tcp4(A, 1, B, 2, RST), 79, 0, true), 4,
		  CLASS_ORIGINAL_NEW },
		{ "another lives on", 40000, udp4(B, 9, A, 9), 5,
		  CLASS_ORIGINAL_NEW },
		{ "a later fragment does not wake the dead", 42000,
		  ipv4_fragment(tcp4(A, 1, B, 2, RST), 79, 24, false), 6,
		  CLASS_ORIGINAL_NEW },
	};

	(void)state;
	run(steps, N_ITEMS(steps));
}

static void test_others(void **state)
{
	const struct step steps[] = {
		{ "SCTP opens by its first packet", 0,
		  ipv4(A, B, 132, sctp(9, 10)), 0, CLASS_ORIGINAL_NEW },
		{ "and is answered", 1, ipv4(B, A, 132, sctp(10, 9)), 0,
		  CLASS_REPLY },
		{ "a protocol without ports is a flow of two addresses", 2,
		  ipv4(A, B, 47, bytes_zero(8)), 1, CLASS_ORIGINAL_NEW },
		{ "for both ways", 3, ipv4(B, A, 47, bytes_zero(8)), 1,
		  CLASS_REPLY },
		{ "IPv4 and IPv6 never meet", 4,
		  ipv6("a00:1::", "a00:2::", 47, bytes_zero(8)), 2,
		  CLASS_ORIGINAL_NEW },
		{ "what cannot be read has no flow", 5, bytes_zero(20), NO_FLOW,
		  0 },
		{ "nor has TCP without ports", 6,
		  bytes_cut(tcp4(A, 1, B, 2, SYN), 22), NO_FLOW, 0 },
		{ "a host may speak to itself", 7, udp4(A, 7, A, 7), 3,
		  CLASS_ORIGINAL_NEW },
	};

	(void)state;
	run(steps, N_ITEMS(steps));
}

/* ---- what a flow says --------------------------------------------------- */

static void test_flow(void **state)
{
	struct track *track = new_track(0);
	const struct step answer = { "an answer is seen first", 1500,
				     tcp4(B, 80, A, 4000, SYNACK), 0,
				     CLASS_REPLY };
	const struct step ack = { "the third packet follows", 2000,
				  tcp4(A, 4000, B, 80, ACK), 0,
				  CLASS_ORIGINAL };
	const struct step error = { "an error too", 2500,
				    error4(R, A, tcp4(A, 4000, B, 80, ACK)), 0,
				    CLASS_RELATED_REPLY };
	struct ip_addr a = addr(A), b = addr(B);
	struct packet packet;
	struct tracked got;

	(void)state;
	take(track, &answer);
	take(track, &error);
	take(track, &ack);
	packet_parse(ack.bytes.data, ack.bytes.len, &packet);
	track_packet(track, PACKET_OK, &packet, ack.bytes.data, ack.bytes.len,
		     3000 * MS, &got);
	assert_false(got.opened);
	assert_true(ip_addr_equal(&got.flow->src, &a));
	assert_true(ip_addr_equal(&got.flow->dst, &b));
	assert_int_equal(got.flow->src_port, 4000);
	assert_int_equal(got.flow->dst_port, 80);
	assert_false(got.flow->picked_up);
	assert_int_equal(got.flow->packets[WAY_ORIGINAL], 2);
	assert_int_equal(got.flow->packets[WAY_REPLY], 1);
	assert_int_equal(got.flow->errors, 1);
	assert_int_equal(got.flow->first_ns, 1500 * MS);
	assert_int_equal(got.flow->last_ns, 3000 * MS);
	track_free(track);
}

/* ---- order and bound ---------------------------------------------------- */

struct seen {
	uint64_t next;
	uint64_t in_disorder;
};

static void note(void *ctx, struct flow *flow)
{
	struct seen *seen = ctx;

	if (flow->number != seen->next)
		seen->in_disorder++;
	seen->next++;
}

static void open_many(struct track *track, unsigned int n, int64_t at_ms)
{
	for (unsigned int i = 0; i < n; i++) {
		struct bytes bytes = udp4(A, 0, B, 53);
		struct packet packet;
		struct tracked got;

		put_be16(bytes.data + 12, i >> 16);
		put_be16(bytes.data + 20, i & 0xffff);
		assert_int_equal(packet_parse(bytes.data, bytes.len, &packet),
				 PACKET_OK);
		assert_int_equal(track_packet(track, PACKET_OK, &packet,
					      bytes.data, bytes.len, at_ms * MS,
					      &got),
				 0);
		assert_true(got.opened);
	}
}

static void test_order_and_bound(void **state)
{
	struct seen seen = { 0 };
	const struct track_options options = { .max_flows = 5000,
					       .done = note,
					       .done_ctx = &seen };
	struct track *track = track_new(&options);
	const struct step last = { "the flow that was opened last is known", 0,
				   udp4("0.1.0.1", 4463, B, 53), 0, 0 };
	struct step step = last;

	(void)state;
	assert_non_null(track);
	open_many(track, 70000, 0);
	assert_int_equal(track_counts(track).flows, 70000);
	assert_int_equal(track_counts(track).evicted, 65000);
	assert_int_equal(seen.next, 65000);

	step.flow = 69999;
	step.class = CLASS_ORIGINAL;
	take(track, &step);
	step.name = "what was handed out at the bound begins anew";
	step.bytes = udp4("0.0.0.1", 0, B, 53);
	step.flow = 70000;
	step.class = CLASS_ORIGINAL_NEW;
	take(track, &step);

	open_many(track, 1, 31000);
	assert_int_equal(seen.next, 70001);
	assert_int_equal(track_counts(track).evicted, 65001);
	track_finish(track);
	assert_int_equal(seen.next, 70002);
	assert_int_equal(seen.in_disorder, 0);
	track_free(track);
}

static void test_over_waits_for_its_turn(void **state)
{
	struct seen seen = { 0 };
	const struct track_options options = { .done = note,
					       .done_ctx = &seen };
	struct track *track = track_new(&options);
	const struct step steps[] = {
		{ "TCP opens", 0, tcp4(A, 1, B, 80, SYN), 0,
		  CLASS_ORIGINAL_NEW },
		{ "UDP opens", 1, udp4(A, 1, B, 53), 1, CLASS_ORIGINAL_NEW },
		{ "after the time of UDP, a packet of TCP", 60000,
		  tcp4(B, 80, A, 1, SYNACK), 0, CLASS_REPLY },
	};
	const struct step end = { "after the time of both", 200000,
				  udp4(A, 1, B, 54), 2, CLASS_ORIGINAL_NEW };

	(void)state;
	assert_non_null(track);
	for (size_t i = 0; i < N_ITEMS(steps); i++)
		take(track, &steps[i]);
	assert_int_equal(seen.next, 0);
	take(track, &end);
	assert_int_equal(seen.next, 2);
	track_free(track);
}

static void test_over_once_another_has_its_place(void **state)
{
	struct seen seen = { 0 };
	const struct track_options options = { .max_flows = 1,
					       .done = note,
					       .done_ctx = &seen };
	struct track *track = track_new(&options);
	const struct step steps[] = {
		{ "a SYN opens", 0, tcp4(A, 1, B, 80, SYN), 0,
		  CLASS_ORIGINAL_NEW },
		{ "it is refused", 1, tcp4(B, 80, A, 1, RST), 0, CLASS_REPLY },
		{ "a SYN of the same ends opens another flow", 2,
		  tcp4(A, 1, B, 80, SYN), 1, CLASS_ORIGINAL_NEW },
	};

	(void)state;
	assert_non_null(track);
	for (size_t i = 0; i < N_ITEMS(steps); i++)
		take(track, &steps[i]);
	assert_int_equal(seen.next, 1);
	assert_int_equal(track_counts(track).evicted, 0);
	track_free(track);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_tcp_end),
		cmocka_unit_test(test_picked_up),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_related),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_order_and_bound),
		cmocka_unit_test(test_over_waits_for_its_turn),
		cmocka_unit_test(test_over_once_another_has_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
