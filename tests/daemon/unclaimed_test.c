/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/unclaimed.h"
#include "netpold/cluster.h"

#include "policy/object_build.h"

/* NP-67. The pod range is 10.66.0.0/24; 10.66.0.1 is the bridge's, 10.66.0.10
   that of a pod here, 10.66.0.20 that of a pod that says it runs on another
   node. */
static const struct {
	const char *name, *src, *dst, *unclaimed; /* NULL: neither end is */
} cases[] = {
	{ "a pod's packet to the outside", "10.66.0.10", "192.0.2.1", NULL },
	{ "nobody's packet to the outside", "10.66.0.11", "192.0.2.1",
	  "10.66.0.11" },
	{ "one from the outside to nobody", "192.0.2.1", "10.66.0.11",
	  "10.66.0.11" },
	{ "a pod's to nobody", "10.66.0.10", "10.66.0.11", "10.66.0.11" },
	{ "of two that are nobody the sender counts", "10.66.0.12",
	  "10.66.0.11", "10.66.0.12" },
	{ "the bridge's own address is the host's", "10.66.0.1", "10.66.0.10",
	  NULL },
	{ "who has an object elsewhere is claimed", "10.66.0.20", "10.66.0.10",
	  NULL },
	{ "who is outside of the range is nobody's pod", "10.66.1.11",
	  "192.0.2.1", NULL },
};

static struct snapshot *compile(void)
{
	const struct snapshot_options options = { .node_name = "here" };
	struct object here = a_pod("shop", "web", "", "10.66.0.10");
	struct object there = a_pod("shop", "db", "", "10.66.0.20");
	struct cluster *cluster = cluster_new();
	struct snapshot *snapshot;

	here.pod.node_name = "here";
	there.pod.node_name = "there";
	assert_int_equal(1, cluster_put(cluster, &here, 0));
	assert_int_equal(1, cluster_put(cluster, &there, 0));
	assert_int_equal(0,
			 snapshot_compile(cluster, &options, &snapshot, NULL));
	cluster_free(cluster);
	return snapshot;
}

static struct unclaimed *watch(void)
{
	struct ip_addr own[] = { an_addr("10.66.0.1"), an_addr("192.0.2.9") };
	struct address_list list = { .items = own, .n = 2 };
	struct unclaimed *unclaimed;
	struct pod_range range;

	assert_int_equal(0, pod_range_parse("10.66.0.0/24", &range, NULL));
	assert_int_equal(0,
			 unclaimed_new(&range, &list, 900, &unclaimed, NULL));
	assert_int_equal(1, unclaimed->own.n);
	assert_int_equal(900, unclaimed->hold_ms);
	return unclaimed;
}

static void who_is_in_the_range_and_no_pods_is_unclaimed(void **state)
{
	struct unclaimed *unclaimed = watch();
	struct snapshot *snapshot = compile();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct packet packet = { .src = an_addr(cases[i].src),
					       .dst = an_addr(cases[i].dst) };
		struct ip_addr found, expected;
		bool any = unclaimed_find(unclaimed, snapshot, &packet, &found);

		print_message("%s\n", cases[i].name);
		assert_int_equal(cases[i].unclaimed != NULL, any);
		if (!any)
			continue;
		expected = an_addr(cases[i].unclaimed);
		assert_true(ip_addr_equal(&expected, &found));
	}
	snapshot_free(snapshot);
	unclaimed_free(unclaimed);
	arena_release(&build_arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_in_the_range_and_no_pods_is_unclaimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
