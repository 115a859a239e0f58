/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"
#include "netpold/snapshot.h"

#include "object_build.h"
#include "observe/local_reach.h"

/*
 *	shop/from  10.0.0.1 fd00::1   app=from
 *	shop/to    10.0.0.2 fd00::2   app=to, http 8080/TCP, dns 5353/UDP
 *
 * A row says what the one may send and the other receive: "TCP 80-90", "http"
 * for the port of that name, "UDP" for all of them, "all", "none" where a
 * policy isolates and has no rule; "" where none does.
 */
static const struct {
	const char *name, *egress[2], *ingress[2];
	bool may;
} rows[] = {
	{ "where no policy is, all may", { "" }, { "" }, true },
	{ "who may send nothing reaches nobody", { "none" }, { "" }, false },
	{ "who may receive nothing is reached by nobody",
	  { "" },
	  { "none" },
	  false },
	{ "a port that one side names is enough where the other is open",
	  { "" },
	  { "TCP 443-443" },
	  true },
	{ "so it is the other way round", { "TCP 443-443" }, { "" }, true },
	{ "the same port on both sides is",
	  { "TCP 80-80" },
	  { "TCP 80-80" },
	  true },
	{ "two different ports are none",
	  { "TCP 80-80" },
	  { "TCP 81-81" },
	  false },
	{ "one port of two protocols is none",
	  { "TCP 80-80" },
	  { "UDP 80-80" },
	  false },
	{ "ranges that touch do", { "TCP 80-90" }, { "TCP 90-99" }, true },
	{ "so they do where the sender's is the later",
	  { "TCP 90-99" },
	  { "TCP 80-90" },
	  true },
	{ "ranges side by side do not",
	  { "TCP 80-89" },
	  { "TCP 90-99" },
	  false },
	{ "one inside of the other does",
	  { "UDP 1000-2000" },
	  { "UDP 1500-1500" },
	  true },
	{ "a later rule counts as well",
	  { "TCP 80-80", "SCTP 7000-7000" },
	  { "TCP 81-81", "SCTP 6999-7001" },
	  true },
	{ "the last port is one", { "TCP 65535-65535" }, { "all" }, true },
	{ "a name is the receiver's port",
	  { "TCP 8000-9000" },
	  { "http" },
	  true },
	{ "so it is where the sender says it", { "dns" }, { "UDP" }, true },
	{ "two names of different ports do not meet",
	  { "dns" },
	  { "http" },
	  false },
	{ "a name that nobody has is no port", { "ftp" }, { "" }, false },
	{ "a whole protocol meets its ports",
	  { "UDP" },
	  { "UDP 60000-61000" },
	  true },
	{ "and no others", { "UDP" }, { "TCP 1-65535" }, false },
	{ "whoever may all meets what is left", { "all" }, { "SCTP" }, true },
};

static struct rule a_rule(const char *words)
{
	static const struct rule all;
	char protocol[8] = "";
	unsigned int first, last;

	if (strcmp(words, "all") == 0)
		return all;
	if (sscanf(words, "%7s %u-%u", protocol, &first, &last) == 3)
		return on_ports(all, protocol_from_name(protocol),
				(uint16_t)first, (uint16_t)last);
	if (protocol_from_name(words))
		return on_protocol(all, protocol_from_name(words));
	return on_named_port(
		all, strcmp(words, "dns") == 0 ? PROTOCOL_UDP : PROTOCOL_TCP,
		words);
}

/* Returns false where there is to be none. */
static bool make_policy(const char *selector, enum direction dir,
			const char *const words[2], struct object *out)
{
	if (!*words[0])
		return false;
	*out = a_policy("shop", direction_name(dir), selector, dir);
	for (int i = 0; i < 2 && words[i]; i++) {
		if (strcmp(words[i], "none") != 0)
			*out = with_rule(*out, dir, a_rule(words[i]));
	}
	return true;
}

static struct snapshot *make_snapshot(size_t row)
{
	struct object from =
		a_pod("shop", "from", "app=from", "10.0.0.1,fd00::1");
	struct object to = with_port(
		with_port(a_pod("shop", "to", "app=to", "10.0.0.2,fd00::2"),
			  "http", PROTOCOL_TCP, 8080),
		"dns", PROTOCOL_UDP, 5353);
	struct cluster *cluster = cluster_new();
	struct snapshot *snapshot;
	struct object policy;

	cluster_put(cluster, &from, 0);
	cluster_put(cluster, &to, 0);
	if (make_policy("app=from", DIRECTION_EGRESS, rows[row].egress,
			&policy))
		cluster_put(cluster, &policy, 0);
	if (make_policy("app=to", DIRECTION_INGRESS, rows[row].ingress,
			&policy))
		cluster_put(cluster, &policy, 0);
	assert_int_equal(0, snapshot_compile(cluster, NULL, &snapshot, NULL));
	cluster_free(cluster);
	return snapshot;
}

/* As observe/live_side.c asks: about a stranger. */
static void make_end(const struct snapshot *snapshot, const char *addr,
		     struct local_end *end)
{
	const struct ip_addr self = an_addr(addr), other = an_addr("192.0.2.1");
	struct arena arena = { 0 };

	local_end_init(end, snapshot, snapshot_pod_by_address(snapshot, &self));
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const bool egress = dir == DIRECTION_EGRESS;
		const struct flow_key key = {
			.src = egress ? self : other,
			.dst = egress ? other : self,
			.protocol = PROTOCOL_TCP,
			.dst_port = 1,
			.has_port = true,
		};
		struct explanation explanation;

		assert_int_equal(0, snapshot_explain_nearest(snapshot, &key,
							     &arena,
							     &explanation));
		local_end_add_ports(end, &explanation.sides[dir],
				    (enum direction)dir);
	}
	arena_release(&arena);
}

/* Every port there is, of both families. */
static bool may_at_all(const struct snapshot *snapshot)
{
	static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP,
					     PROTOCOL_SCTP, PROTOCOL_ICMP, 47 };
	static const char *const ends[][2] = { { "10.0.0.1", "10.0.0.2" },
					       { "fd00::1", "fd00::2" } };

	for (size_t i = 0; i < 2 * sizeof(protocols); i++) {
		struct flow_key key = {
			.src = an_addr(ends[i % 2][0]),
			.dst = an_addr(ends[i % 2][1]),
			.protocol = protocols[i / 2],
			.has_port = protocol_has_ports(protocols[i / 2]),
		};

		for (uint32_t port = 1; port <= UINT16_MAX; port++) {
			key.dst_port = (uint16_t)port;
			if (snapshot_decide(snapshot, &key).verdict ==
			    VERDICT_ALLOW)
				return true;
		}
	}
	return false;
}

static void a_pod_reaches_another_where_some_port_is_allowed(void **state)
{
	const struct ip_addr receiver = an_addr("10.0.0.2");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *snapshot = make_snapshot(i);
		struct local_end from, to;
		bool may;

		make_end(snapshot, "10.0.0.1", &from);
		make_end(snapshot, "10.0.0.2", &to);
		may = local_reach_may(
			snapshot, &from, &to,
			snapshot_pod_by_address(snapshot, &receiver));
		if (may != rows[i].may || may != may_at_all(snapshot))
			fail_msg(
				"%s: expected %d, every port says %d, found %d",
				rows[i].name, rows[i].may, may_at_all(snapshot),
				may);
		assert_false(from.is_cut || to.is_cut);
		snapshot_free(snapshot);
		arena_release(&build_arena);
	}
}

static void more_ports_than_are_asked_about_are_told_of(void **state)
{
	struct local_end end = { .n_addrs = 0 };

	(void)state;
	for (uint16_t i = 0; i < LOCAL_REACH_PORTS_MAX + 1; i++) {
		struct object policy =
			with_rule(a_policy("shop", "p", "", DIRECTION_INGRESS),
				  DIRECTION_INGRESS,
				  on_ports((struct rule){ .n_ports = 0 },
					   PROTOCOL_TCP, i, i));
		const struct rule_result result = { .policy = &policy.policy };
		const struct side_explanation side = { .rules = &result,
						       .n_rules = 1 };

		local_end_add_ports(&end, &side, DIRECTION_INGRESS);
		local_end_add_ports(&end, &side, DIRECTION_INGRESS);
		assert_int_equal(i == LOCAL_REACH_PORTS_MAX, end.is_cut);
	}
	assert_int_equal(LOCAL_REACH_PORTS_MAX, end.n_slots);
	arena_release(&build_arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_pod_reaches_another_where_some_port_is_allowed),
		cmocka_unit_test(more_ports_than_are_asked_about_are_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
