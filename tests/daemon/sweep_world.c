/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sweep_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "datapath/netlink.h"
#include "insert.h"
#include "netns.h"
#include "object_build.h"

struct snapshot *snapshot;
struct mark_layout marks;
struct sweep *sweep;
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

int sweep_world_open(void **state)
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

int sweep_world_close(void **state)
{
	(void)state;
	netlink_release(&inserts);
	sweep_close(sweep);
	snapshot_free(snapshot);
	arena_release(&build_arena);
	return 0;
}

/* ---- helpers ------------------------------------------------------------- */

uint32_t value_of(char mark)
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

void insert(const char *flow, uint32_t mark)
{
	if (netns_run("conntrack -I -p tcp %s --state ESTABLISHED -t 100 "
		      "-m %u >/dev/null 2>&1",
		      flow, mark) != 0)
		fail_msg("conntrack -I %s failed", flow);
}

uint32_t mark_of_port(const char *port)
{
	char text[64];

	netns_read(text, sizeof(text),
		   "(conntrack -L; conntrack -L -f ipv6) 2>/dev/null | "
		   "grep -m1 'dport=%s .*' | "
		   "sed -n 's/.*mark=\\([0-9]*\\).*/\\1/p'",
		   port);
	return (uint32_t)strtoul(text, NULL, 10);
}

void sweep_forget(void)
{
	struct err err;

	sweep_close(sweep);
	sweep = NULL;
	assert_int_equal(0, sweep_open(&sweep, &marks, &err));
}

int forget_entries(void **state)
{
	(void)state;
	return netns_run("conntrack -F 2>/dev/null");
}

/* ---- what conntrack(8) cannot make --------------------------------------- */

static void insert_entry(const struct conntrack_entry *entry)
{
	assert_int_equal(0, insert_connection(&inserts, entry));
}

void insert_others(uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct conntrack_entry entry =
			a_connection(an_addr("10.9.0.1"), 10000 + i,
				     an_addr("10.9.0.2"), 80, marks.allowed);

		insert_entry(&entry);
	}
}

static void insert_announced(const char *src, const char *to, const char *dst,
			     uint16_t dst_port, uint32_t mark)
{
	struct conntrack_entry entry =
		a_connection(an_addr(src), 998, an_addr(to), 5000, mark);

	entry.master_protocol = PROTOCOL_TCP;
	entry.master = a_connection(an_addr("10.0.0.1"), 999, an_addr(dst),
				    dst_port, 0)
			       .original;
	insert_entry(&entry);
}

void insert_child(const char *dst, uint16_t dst_port, uint32_t mark)
{
	insert_announced("10.0.0.1", "10.0.0.2", dst, dst_port, mark);
}

void insert_child_of_server(const char *dst, uint16_t dst_port, uint32_t mark)
{
	insert_announced("10.0.0.2", "10.0.0.1", dst, dst_port, mark);
}

void insert_ftp(uint32_t mark)
{
	struct conntrack_entry entry = a_connection(
		an_addr("10.0.0.1"), 999, an_addr("10.0.0.2"), 21, mark);

	entry.has_helper = true;
	insert_entry(&entry);
}
