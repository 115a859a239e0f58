/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real table of connections, in a network namespace of the test's own. Each
   case puts one connection into it, sweeps, and reads its mark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/netlink.h"
#include "datapath/sweep.h"
#include "insert.h"
#include "netns.h"
#include "object_build.h"

/*
 * client may open flows to server, TCP port 80; to client, stranger and from
 * server nobody may. All are pods of this node.
 */
static struct snapshot *snapshot;
static struct mark_layout marks;
static struct sweep *sweep;
static struct netlink inserts; /* of connections */

static int make_snapshot(void)
{
	struct rule to_http =
		on_ports(a_pod_rule(NULL, "app=client"), PROTOCOL_TCP, 80, 80);
	struct object objects[] = {
		a_pod("shop", "client", "app=client", "10.0.0.1,fd00::1"),
		a_pod("shop", "server", "app=server", "10.0.0.2,fd00::2"),
		a_pod("shop", "stranger", "app=stranger", "10.0.0.3,fd00::3"),
		with_rule(
			a_policy("shop", "in", "app=server", DIRECTION_INGRESS),
			DIRECTION_INGRESS, to_http),
		a_policy("shop", "closed-out", "app=server", DIRECTION_EGRESS),
		a_policy("shop", "closed", "app=client", DIRECTION_INGRESS),
		a_policy("shop", "none", "app=stranger", DIRECTION_INGRESS),
	};
	struct cluster *cluster = cluster_new();
	int r;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		cluster_put(cluster, &objects[i], 0);
	r = snapshot_compile(cluster, NULL, &snapshot, NULL);
	cluster_free(cluster);
	return r;
}

static int open_world(void **state)
{
	struct err err;

	if (netns_enter(state) < 0 ||
	    netlink_init(&inserts, NETLINK_NETFILTER) < 0)
		return -1;
	/* Connections are tracked where a rule needs it. */
	if (netns_run("for cmd in iptables ip6tables; do $cmd -t mangle "
		      "-A OUTPUT -m conntrack --ctstate NEW; done") != 0)
		return -1;
	if (mark_layout_init(&marks, MARK_DEFAULT_MASK, &err) < 0 ||
	    sweep_open(&sweep, &marks, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return make_snapshot();
}

static int close_world(void **state)
{
	(void)state;
	netlink_release(&inserts);
	sweep_close(sweep);
	snapshot_free(snapshot);
	arena_release(&build_arena);
	return 0;
}

/* ---- helpers ------------------------------------------------------------- */

#define FOREIGN 0xabcd0000

static uint32_t value_of(char mark)
{
	switch (mark) {
	case 'A':
		return marks.allowed;
	case 'P':
		return marks.picked_up;
	case 'O':
		return marks.own_node;
	}
	return 0;
}

static void insert(const char *flow, uint32_t mark)
{
	if (netns_run("conntrack -I -p tcp %s --state ESTABLISHED -t 100 "
		      "-m %u >/dev/null 2>&1",
		      flow, mark) != 0)
		fail_msg("conntrack -I %s failed", flow);
}

/* The mark of the one connection with a destination port. */
static uint32_t mark_of_port(const char *port)
{
	char text[64];

	netns_read(text, sizeof(text),
		   "(conntrack -L; conntrack -L -f ipv6) 2>/dev/null | "
		   "grep -m1 'dport=%s .*' | "
		   "sed -n 's/.*mark=\\([0-9]*\\).*/\\1/p'",
		   port);
	return (uint32_t)strtoul(text, NULL, 10);
}

/* "": of all; else of these addresses, separated by commas. */
static struct sweep_result run_sweep(const char *addresses)
{
	struct ip_addr targets[SWEEP_MAX_TARGETS];
	struct sweep_result result;
	char copy[128], *save = NULL;
	struct err err;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", addresses);
	for (char *p = strtok_r(copy, ",", &save); p;
	     p = strtok_r(NULL, ",", &save))
		targets[n++] = an_addr(p);
	if (sweep_run(sweep, snapshot, n ? targets : NULL, n, &result, &err))
		fail_msg("the sweep failed: %s", err.message);
	return result;
}

static int forget_entries(void **state)
{
	(void)state;
	return netns_run("conntrack -F 2>/dev/null");
}

/* ---- what conntrack(8) cannot make --------------------------------------- */

static void insert_entry(const struct conntrack_entry *entry)
{
	assert_int_equal(0, insert_connection(&inserts, entry));
}

/* Of nobody that the snapshot knows. */
static void insert_others(uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct conntrack_entry entry =
			a_connection(an_addr("10.9.0.1"), 10000 + i,
				     an_addr("10.9.0.2"), 80, marks.allowed);

		insert_entry(&entry);
	}
}

/* A data connection of client to server, port 5000, which the one from
   client, port 999, to @dst, port @dst_port, has announced. */
static void insert_child(const char *dst, uint16_t dst_port, uint32_t mark)
{
	struct conntrack_entry entry = a_connection(
		an_addr("10.0.0.1"), 998, an_addr("10.0.0.2"), 5000, mark);

	entry.master_protocol = PROTOCOL_TCP;
	entry.master = a_connection(an_addr("10.0.0.1"), 999, an_addr(dst),
				    dst_port, 0)
			       .original;
	insert_entry(&entry);
}

/* One of client to server, port 21, that may announce others. */
static void insert_ftp(uint32_t mark)
{
	struct conntrack_entry entry = a_connection(
		an_addr("10.0.0.1"), 999, an_addr("10.0.0.2"), 21, mark);

	entry.has_helper = true;
	insert_entry(&entry);
}

/* ---- one connection ------------------------------------------------------ */

#define TO_SERVER "-s 10.0.0.1 -d 10.0.0.2 --sport 999 --dport 80"
#define TO_SERVER_22 "-s 10.0.0.1 -d 10.0.0.2 --sport 999 --dport 22"
#define TO_STRANGER "-s 10.0.0.1 -d 10.0.0.3 --sport 999 --dport 80"
#define FROM_HTTP "-s 10.0.0.2 -d 10.0.0.1 --sport 80 --dport 999"
#define BEHIND_SERVICE                                                         \
	"-s 10.0.0.1 -d 10.96.0.1 --sport 999 --dport 22 -r 10.0.0.2 "         \
	"-q 10.0.0.1 --reply-port-src 22 --reply-port-dst 999"
#define SERVICE_80                                                             \
	"-s 10.0.0.1 -d 10.96.0.1 --sport 999 --dport 22 -r 10.0.0.2 "         \
	"-q 10.0.0.1 --reply-port-src 80 --reply-port-dst 999"
#define V6_TO_SERVER_22 "-s fd00::1 -d fd00::2 --sport 999 --dport 22"

struct sweep_case {
	const char *name, *flow, *port;
	const char *addresses; /* swept; "": all */
	char before, after;
};

static const struct sweep_case cases[] = {
	{ "NF-62: what is still allowed keeps its mark", TO_SERVER, "80", "",
	  'A', 'A' },
	{ "NF-62: what is allowed no more loses it", TO_SERVER_22, "22", "",
	  'A', '-' },
	{ "so it is over IPv6", V6_TO_SERVER_22, "22", "", 'A', '-' },
	{ "NF-4: behind a Service, who answers is judged", BEHIND_SERVICE, "22",
	  "", 'A', '-' },
	{ "NF-4: on the port that it answers from", SERVICE_80, "22", "", 'A',
	  'A' },
	{ "NF-62: a picked-up flow may have been opened by its other end",
	  FROM_HTTP, "999", "", 'P', 'P' },
	{ "a flow that was judged as it was opened may not", FROM_HTTP, "999",
	  "", 'A', '-' },
	{ "NP-55: what this node has opened is not asked about", TO_SERVER_22,
	  "22", "", 'O', 'O' },
	{ "an unmarked flow gets no mark", TO_SERVER, "80", "", '-', '-' },
	{ "swept for who opened it", TO_SERVER_22, "22", "10.0.0.1", 'A', '-' },
	{ "swept for who answers it", TO_SERVER_22, "22", "10.0.0.2", 'A',
	  '-' },
	{ "swept for others, a flow is not looked at", TO_SERVER_22, "22",
	  "10.0.0.3", 'A', 'A' },
	{ "swept for another family, neither", TO_SERVER_22, "22", "fd00::1",
	  'A', 'A' },
	{ "swept over IPv6 for who opened it", V6_TO_SERVER_22, "22", "fd00::1",
	  'A', '-' },
	{ "swept over IPv6 for who answers it", V6_TO_SERVER_22, "22",
	  "fd00::2", 'A', '-' },
	{ "swept for who answers behind a Service", BEHIND_SERVICE, "22",
	  "10.0.0.2", 'A', '-' },
	{ "the Service's address finds nothing", BEHIND_SERVICE, "22",
	  "10.96.0.1", 'A', 'A' },
	{ "in a small table, all are looked at instead of a few", TO_SERVER_22,
	  "22", "10.0.0.3,10.0.0.4", 'A', '-' },
};

/* The same beside so many others that only a few are looked at. */
static const struct sweep_case among_many[] = {
	{ "swept for both of its ends", TO_SERVER_22, "22", "10.0.0.2,10.0.0.1",
	  'A', '-' },
	{ "swept for the one that answers and another", TO_SERVER_22, "22",
	  "10.0.0.9,10.0.0.2", 'A', '-' },
	{ "swept for others", TO_SERVER_22, "22", "10.0.0.3,10.0.0.4", 'A',
	  'A' },
	{ "swept for addresses of both families", V6_TO_SERVER_22, "22",
	  "10.0.0.7,fd00::2", 'A', '-' },
	{ "swept over IPv6 for both of its ends", V6_TO_SERVER_22, "22",
	  "fd00::1,fd00::2", 'A', '-' },
	{ "swept over IPv6 for the one that opened it and another",
	  V6_TO_SERVER_22, "22", "fd00::9,fd00::1", 'A', '-' },
};

static void check_case(const struct sweep_case *c)
{
	uint32_t before = FOREIGN | value_of(c->before);
	uint32_t after = FOREIGN | value_of(c->after);
	struct sweep_result result;
	uint32_t mark;

	insert(c->flow, before);
	result = run_sweep(c->addresses);
	mark = mark_of_port(c->port);
	if (mark != after)
		fail_msg("%s: the mark was %#x and is %#x, not %#x", c->name,
			 before, mark, after);
	/* Once, however many of its ends are swept. */
	if (result.revoked != (before != after) || result.passes != 1)
		fail_msg("%s: %zu revoked in %u passes", c->name,
			 result.revoked, result.passes);
}

static void a_sweep_leaves_exactly_what_is_allowed(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_entries(state);
		check_case(&cases[i]);
	}
}

static void so_it_does_among_many_connections(void **state)
{
	for (size_t i = 0; i < sizeof(among_many) / sizeof(among_many[0]);
	     i++) {
		forget_entries(state);
		insert_others(2 * 4096);
		check_case(&among_many[i]);
	}
}

/* ---- connections that others announced ----------------------------------- */

static const struct {
	const char *name, *master, *master_dst;
	uint16_t master_port;
	const char *addresses;
	char before, after;
	bool master_ends;
} families[] = {
	{ "NF-52: it passes for as long as its master does", TO_SERVER,
	  "10.0.0.2", 80, "", 'A', 'A', false },
	{ "NF-52: and no longer", TO_SERVER_22, "10.0.0.2", 22, "", 'A', '-',
	  false },
	{ "NF-52: whose Service leads to an allowed port", SERVICE_80,
	  "10.96.0.1", 22, "", 'A', 'A', false },
	{ "NF-52: whose Service leads to another one", BEHIND_SERVICE,
	  "10.96.0.1", 22, "", 'A', '-', false },
	{ "NF-52: when the master is over, whom it called counts", TO_SERVER,
	  "10.0.0.2", 80, "", 'A', 'A', true },
	{ "NF-52: where that one does not allow it", TO_SERVER_22, "10.0.0.2",
	  22, "", 'A', '-', true },
	{ "NF-52: swept for who answers", TO_SERVER_22, "10.0.0.2", 22,
	  "10.0.0.2", 'A', '-', false },
};

static void an_announced_connection_goes_with_its_master(void **state)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		uint32_t before = FOREIGN | value_of(families[i].before);
		uint32_t after = FOREIGN | value_of(families[i].after);
		uint32_t mark;

		forget_entries(state);
		insert(families[i].master, before);
		insert_child(families[i].master_dst, families[i].master_port,
			     before);
		if (families[i].master_ends)
			netns_run("conntrack -D -p tcp --sport 999 >/dev/null "
				  "2>&1");
		run_sweep(families[i].addresses);
		mark = mark_of_port("5000");
		if (mark != after)
			fail_msg("%s: the mark was %#x and is %#x, not %#x",
				 families[i].name, before, mark, after);
	}
}

/* It may have done so while the dump was going on. */
static void one_that_can_announce_others_is_looked_at_twice(void **state)
{
	struct sweep_result result;

	(void)state;
	insert_ftp(FOREIGN | marks.allowed);
	result = run_sweep("10.0.0.1");
	assert_int_equal(FOREIGN, mark_of_port("21"));
	assert_int_equal(1, result.revoked);
	assert_int_equal(2, result.passes);
}

/* ---- flows older than netpold -------------------------------------------- */

static const struct {
	const char *name, *flow, *port;
	char after;
} older[] = {
	{ "L11: a flow that is allowed as it was opened", TO_SERVER, "80",
	  'P' },
	{ "L11: one that may have been opened by its other end", FROM_HTTP,
	  "999", 'P' },
	{ "one that is denied either way stays unmarked", TO_SERVER_22, "22",
	  '-' },
	{ "NP-55: one that this node has opened",
	  "-s 127.0.0.1 -d 10.0.0.2 --sport 999 --dport 22", "22", 'O' },
	{ "one of nobody that a policy isolates",
	  "-s 10.0.0.8 -d 10.0.0.9 --sport 999 --dport 22", "22", '-' },
};

static void older_flows_are_picked_up(void **state)
{
	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++) {
		uint32_t after = FOREIGN | value_of(older[i].after);
		struct sweep_result result;
		struct err err;
		uint32_t mark;

		forget_entries(state);
		insert(older[i].flow, FOREIGN);
		assert_int_equal(0,
				 sweep_pick_up(sweep, snapshot, &result, &err));
		mark = mark_of_port(older[i].port);
		if (mark != after)
			fail_msg("%s: the mark is %#x, not %#x", older[i].name,
				 mark, after);
		if (result.picked_up != (older[i].after != '-'))
			fail_msg("%s: %zu picked up", older[i].name,
				 result.picked_up);
	}
}

static void clearing_takes_only_bits_of_ours(void **state)
{
	struct err err;

	(void)state;
	insert(TO_SERVER, FOREIGN | marks.allowed);
	insert(TO_SERVER_22, FOREIGN | marks.own_node);
	insert_child("10.0.0.2", 80, FOREIGN | marks.picked_up);
	assert_int_equal(0, sweep_clear(sweep, &err));
	assert_int_equal(FOREIGN, mark_of_port("80"));
	assert_int_equal(FOREIGN, mark_of_port("22"));
	assert_int_equal(FOREIGN, mark_of_port("5000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sweep_leaves_exactly_what_is_allowed,
				       forget_entries),
		cmocka_unit_test_setup(so_it_does_among_many_connections,
				       forget_entries),
		cmocka_unit_test_setup(
			one_that_can_announce_others_is_looked_at_twice,
			forget_entries),
		cmocka_unit_test_setup(
			an_announced_connection_goes_with_its_master,
			forget_entries),
		cmocka_unit_test_setup(older_flows_are_picked_up,
				       forget_entries),
		cmocka_unit_test_setup(clearing_takes_only_bits_of_ours,
				       forget_entries),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
