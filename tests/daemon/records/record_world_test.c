/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom a record means in this cluster, which is not the one it was written in:
 *
 *	shop	web-bcdfg-2	10.0.0.2		Deployment web
 *		web-bcdfg-1	10.0.0.1		Deployment web
 *		db-0		10.0.0.3, fd00::3	StatefulSet db
 *		old		10.0.0.4		finished
 *		gone		no address		Deployment gone
 *	dev	web-bcdfg-1	10.0.1.1		Deployment web
 *		tool		10.0.1.2		nobody's
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "object_build.h"
#include "records/record_world.h"
#include "records/workload_name.h"

static struct cluster *cluster;
static struct snapshot *snapshot;
static struct record_world world;

static void put(const char *namespace, const char *name, const char *addresses,
		const char *owner_kind, const char *owner_name, bool finished)
{
	struct object object = a_pod(namespace, name, "", addresses);

	object.pod.owner_kind = owner_kind;
	object.pod.owner_name = owner_name;
	object.pod.finished = finished;
	assert_true(cluster_put(cluster, &object, 0) >= 0);
}

static int make_world(void **state)
{
	(void)state;
	cluster = cluster_new();
	assert_non_null(cluster);
	put("shop", "web-bcdfg-2", "10.0.0.2", "ReplicaSet", "web-bcdfg",
	    false);
	put("shop", "web-bcdfg-1", "10.0.0.1", "ReplicaSet", "web-bcdfg",
	    false);
	put("shop", "db-0", "10.0.0.3,fd00::3", "StatefulSet", "db", false);
	put("shop", "old", "10.0.0.4", "", "", true);
	put("shop", "gone", "", "ReplicaSet", "gone-bcdfg", false);
	put("dev", "web-bcdfg-1", "10.0.1.1", "ReplicaSet", "web-bcdfg", false);
	put("dev", "tool", "10.0.1.2", "", "", false);
	assert_int_equal(0, snapshot_compile(cluster, NULL, &snapshot, NULL));
	return record_world_init(&world, cluster, snapshot);
}

static int free_world(void **state)
{
	(void)state;
	record_world_release(&world);
	snapshot_free(snapshot);
	cluster_free(cluster);
	arena_release(&build_arena);
	return 0;
}

/* "shop/web-1 10.0.0.9 ReplicaSet web-xyz", "10.0.0.9", "a/b 10.0.0.9" */
static struct record_end an_end(const char *text)
{
	struct record_end end = { .port = 0 };
	char address[IP_ADDR_TEXT_LEN] = "";

	if (strchr(text, '/'))
		assert_true(sscanf(text, "%63[^/]/%253s %45s %63s %253s",
				   end.namespace, end.pod, address,
				   end.owner_kind, end.owner_name) >= 3);
	else
		assert_int_equal(1, sscanf(text, "%45s", address));
	end.addr = an_addr(address);
	return end;
}

#define OLD_WEB "ReplicaSet web-xzvwx"

static const struct {
	const char *name;
	const char *from, *to;
	const char *sender, *receiver; /* "POD ADDRESS", or an address alone */
	const char *lost;
} cases[] = {
	{ "a pod is found by its name, whatever its address is now",
	  "dev/tool 10.9.9.9", "shop/db-0 10.8.8.8", "tool 10.0.1.2",
	  "db-0 10.0.0.3", "" },
	{ "its address is that of the record's family", "fd00::99",
	  "shop/db-0 fd00::98", "fd00::99", "db-0 fd00::3", "" },
	{ "an address that another has now is not whom a name means",
	  "dev/tool 10.0.0.3", "198.51.100.1", "tool 10.0.1.2", "198.51.100.1",
	  "" },
	{ "a pod that is gone is the first of its workload",
	  "shop/web-xzvwx-1 10.9.9.9 " OLD_WEB, "198.51.100.1",
	  "web-bcdfg-1 10.0.0.1", "198.51.100.1", "" },
	{ "of its own namespace", "dev/web-xzvwx-9 10.9.9.9 " OLD_WEB,
	  "198.51.100.1", "web-bcdfg-1 10.0.1.1", "198.51.100.1", "" },
	{ "two of a workload that are gone stay two",
	  "shop/web-xzvwx-1 10.9.9.1 " OLD_WEB,
	  "shop/web-xzvwx-2 10.9.9.2 " OLD_WEB, "web-bcdfg-1 10.0.0.1",
	  "web-bcdfg-2 10.0.0.2", "" },
	{ "so do one that is gone and one that is there",
	  "shop/web-xzvwx-1 10.9.9.1 " OLD_WEB,
	  "shop/web-bcdfg-1 10.0.0.1 ReplicaSet web-bcdfg",
	  "web-bcdfg-2 10.0.0.2", "web-bcdfg-1 10.0.0.1", "" },
	{ "also the other way round",
	  "shop/web-bcdfg-1 10.0.0.1 ReplicaSet web-bcdfg",
	  "shop/web-xzvwx-1 10.9.9.1 " OLD_WEB, "web-bcdfg-1 10.0.0.1",
	  "web-bcdfg-2 10.0.0.2", "" },
	{ "a pod to itself is one, also where it is gone",
	  "shop/web-xzvwx-1 10.9.9.1 " OLD_WEB,
	  "shop/web-xzvwx-1 10.9.9.1 " OLD_WEB, "web-bcdfg-1 10.0.0.1",
	  "web-bcdfg-1 10.0.0.1", "" },
	{ "where one pod is left of two, there is no such flow",
	  "dev/web-xzvwx-1 10.9.9.1 " OLD_WEB,
	  "dev/web-bcdfg-1 10.9.9.2 ReplicaSet web-bcdfg", NULL, NULL,
	  "egress" },
	{ "an address without a name is whoever has it", "10.0.0.2", "10.0.1.2",
	  "web-bcdfg-2 10.0.0.2", "tool 10.0.1.2", "" },
	{ "or nobody's", "192.0.2.1", "10.0.0.4", "192.0.2.1", "10.0.0.4", "" },
	{ "a pod that nobody stands for is lost", "dev/other 10.0.1.2",
	  "shop/db-0 10.0.0.3", NULL, NULL, "egress" },
	{ "so is one that has finished", "dev/tool 10.0.1.2",
	  "shop/old 10.0.0.4", NULL, NULL, "ingress" },
	{ "one that has no address", "dev/tool 10.0.1.2",
	  "shop/gone 10.0.0.4 ReplicaSet gone-bcdfg", NULL, NULL, "ingress" },
	{ "and one that has none of the family", "fd00::99",
	  "dev/tool fd00::98", NULL, NULL, "ingress" },
};

static void expect_end(const char *name, const char *expected,
		       const struct record_pod *pod, const struct ip_addr *addr)
{
	char address[IP_ADDR_TEXT_LEN], text[512];

	snprintf(text, sizeof(text), "%s%s%s", pod ? pod->pod->name : "",
		 pod ? " " : "", ip_addr_format(addr, address));
	if (strcmp(text, expected) != 0)
		fail_msg("%s: expected %s, got %s", name, expected, text);
}

static void a_record_means(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct record_seen seen = {
			.from = an_end(cases[i].from),
			.to = an_end(cases[i].to),
			.protocol = PROTOCOL_ICMP,
		};
		enum direction lost = DIRECTION_EGRESS;
		struct record_flow flow;
		bool found = record_world_find(&world, &seen, &flow, &lost);

		if (found != !*cases[i].lost)
			fail_msg("%s: found: %d", cases[i].name, found);
		if (!found) {
			assert_string_equal(cases[i].lost,
					    direction_name(lost));
			continue;
		}
		expect_end(cases[i].name, cases[i].sender,
			   flow.ends[DIRECTION_EGRESS], &flow.key.src);
		expect_end(cases[i].name, cases[i].receiver,
			   flow.ends[DIRECTION_INGRESS], &flow.key.dst);
	}
}

static const struct {
	const char *name;
	const char *from, *to;
	const char *lost;
} handed_on[] = {
	{ "an address is nobody's, whoever has it now", "dev/tool 10.0.1.2",
	  "10.0.0.2", "ingress" },
	{ "nor that of somebody outside, where nobody has it", "192.0.2.1",
	  "dev/tool 10.0.1.2", "egress" },
	{ "who is named is known by his name", "dev/tool 10.0.1.2",
	  "shop/db-0 10.0.0.3", "" },
};

static void where_addresses_have_changed_hands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(handed_on) / sizeof(handed_on[0]); i++) {
		const struct record_seen seen = {
			.from = an_end(handed_on[i].from),
			.to = an_end(handed_on[i].to),
			.protocol = PROTOCOL_ICMP,
			.pods_changed = true,
		};
		enum direction lost = DIRECTION_EGRESS;
		struct record_flow flow;
		bool found = record_world_find(&world, &seen, &flow, &lost);

		if (found != !*handed_on[i].lost)
			fail_msg("%s: found: %d", handed_on[i].name, found);
		if (!found)
			assert_string_equal(handed_on[i].lost,
					    direction_name(lost));
	}
}

static void the_rest_of_the_flow_is_the_records(void **state)
{
	struct record_seen seen = {
		.from = an_end("192.0.2.1"),
		.to = an_end("shop/db-0 10.0.0.3"),
		.protocol = PROTOCOL_TCP,
		.has_port = true,
		.from_own_node = true,
	};
	struct record_flow flow;
	enum direction lost;

	(void)state;
	seen.to.port = 5432;
	assert_true(record_world_find(&world, &seen, &flow, &lost));
	assert_int_equal(PROTOCOL_TCP, flow.key.protocol);
	assert_true(flow.key.has_port && flow.key.from_own_node);
	assert_int_equal(5432, flow.key.dst_port);
	seen.from = an_end("dev/tool 10.0.1.2");
	assert_true(record_world_find(&world, &seen, &flow, &lost));
	assert_false(flow.key.from_own_node);
}

static void pods_know_where_their_workload_begins(void **state)
{
	(void)state;
	assert_int_equal(5, world.n_pods);
	for (uint32_t i = 0; i < world.n_pods; i++) {
		const struct record_pod *pod = &world.pods[i];
		bool is_second = strcmp(pod->pod->name, "web-bcdfg-2") == 0;

		assert_int_equal(is_second ? i - 1 : i, pod->workload_at);
		assert_string_equal(
			pod->pod->namespace,
			world.pods[pod->namespace_at].pod->namespace);
		assert_true(
			pod->namespace_at == 0 ||
			strcmp(world.pods[pod->namespace_at - 1].pod->namespace,
			       pod->pod->namespace) != 0);
	}
}

/* Of a record, which has no labels, and of a pod with its label. */
static void a_workload_has_one_name(void **state)
{
	const struct record_end end = an_end("shop/web-7d4b9c6f5d-x2f8k "
					     "10.0.0.1 ReplicaSet "
					     "web-7d4b9c6f5d");
	struct object object =
		a_pod("shop", "web-7d4b9c6f5d-x2f8k",
		      "pod-template-hash=7d4b9c6f5d", "10.0.0.1");
	struct workload of_record = workload_name_of_record(&end), of_pod;

	(void)state;
	object.pod.owner_kind = "ReplicaSet";
	object.pod.owner_name = "web-7d4b9c6f5d";
	of_pod = workload_name_of_pod(&object.pod);
	assert_int_equal(0, workload_compare(&of_record, &of_pod));
	assert_string_equal("Deployment", of_record.kind);
	assert_int_equal(3, of_record.name_len);
}

static void who_is_told_of_has_a_name_or_an_address(void **state)
{
	const struct record_end web =
		an_end("shop/web-xzvwx-1 10.0.0.1 " OLD_WEB);
	const struct record_end nobody = an_end("fd00::99");
	char text[WORKLOAD_NAME_LEN];

	(void)state;
	workload_name_write(&web, text);
	assert_string_equal("shop/web", text);
	workload_name_write(&nobody, text);
	assert_string_equal("fd00::99", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_means),
		cmocka_unit_test(where_addresses_have_changed_hands),
		cmocka_unit_test(the_rest_of_the_flow_is_the_records),
		cmocka_unit_test(pods_know_where_their_workload_begins),
		cmocka_unit_test(a_workload_has_one_name),
		cmocka_unit_test(who_is_told_of_has_a_name_or_an_address),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
