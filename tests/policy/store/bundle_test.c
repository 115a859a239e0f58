/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects that come in bundles, as those of a folder come in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "netpold/cluster.h"

#include "store/changes.h"

#include "object_build.h"

/* ---- helpers ------------------------------------------------------------- */

static struct cluster *cluster, *from;

static int make_clusters(void **state)
{
	(void)state;
	cluster = cluster_new();
	from = cluster_new();
	return cluster && from && cluster_follow(cluster) ? 0 : -1;
}

static int free_clusters(void **state)
{
	(void)state;
	cluster_unfollow(cluster);
	cluster_free(cluster);
	cluster_free(from);
	arena_release(&build_arena);
	return 0;
}

/* An object of a file that is read. */
static void read_object(uint32_t bundle, struct object object)
{
	assert_int_equal(1, cluster_put_in(from, bundle, &object, 0));
}

/* The files that were read are these, all of them. */
static int assign(const uint32_t *bundles, size_t n, int64_t now_ms)
{
	int r = cluster_assign_bundles(cluster, bundles, n, from, now_ms);

	cluster_free(from);
	from = cluster_new();
	assert_non_null(from);
	return r;
}

#define ASSIGN(now_ms, ...)                                                    \
	assign((const uint32_t[]){ __VA_ARGS__ },                              \
	       sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), now_ms)

static void forget_changes(void)
{
	changes_clear(cluster_changes(cluster), cluster_pool(cluster));
}

static size_t n_ended(void)
{
	const struct changes *changes = cluster_changes(cluster);
	size_t n = 0;

	for (size_t i = 0; i < changes->n; i++)
		n += changes->items[i].new == NULL;
	return n;
}

static bool is_there(struct object object)
{
	return cluster_has(cluster, &object);
}

static uint32_t bundle_of(struct object object)
{
	return cluster_bundle_of(cluster, &object);
}

/* ---- facts ----------------------------------------------------------------
 */

static void a_bundle_replaces_what_it_held_and_nothing_else(void **state)
{
	(void)state;
	read_object(1, a_pod("a", "one", "", "10.0.0.1"));
	read_object(1, a_pod("a", "two", "", "10.0.0.2"));
	read_object(2, a_pod("a", "three", "", "10.0.0.3"));
	assert_int_equal(1, ASSIGN(0, 1, 2));
	read_object(1, a_pod("a", "two", "", "10.0.0.2"));
	assert_int_equal(1, ASSIGN(0, 1));
	assert_false(is_there(a_pod("a", "one", "", "")));
	assert_true(is_there(a_pod("a", "two", "", "")));
	assert_true(is_there(a_pod("a", "three", "", "")));
	assert_int_equal(2, bundle_of(a_pod("a", "three", "", "")));
}

static void the_same_again_changes_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		read_object(1, a_namespace("a", "team=x"));
		read_object(1, a_policy("a", "p", "", DIRECTION_INGRESS));
		read_object(1, a_node("n", "10.1.0.1"));
		assert_int_equal(i == 0, ASSIGN(0, 1));
	}
	assert_int_equal(3, cluster_changes(cluster)->n);
}

static void a_bundle_that_is_gone_takes_its_objects_with_it(void **state)
{
	(void)state;
	read_object(1, a_pod("a", "one", "", "10.0.0.1"));
	read_object(2, a_node("n", "10.1.0.1"));
	ASSIGN(0, 1, 2);
	assert_int_equal(1, ASSIGN(0, 2));
	assert_int_equal(1, cluster_count(cluster, OBJECT_POD));
	assert_int_equal(0, cluster_count(cluster, OBJECT_NODE));
	assert_int_equal(0, ASSIGN(0, 2, 77));
}

static void an_object_that_moves_does_not_end(void **state)
{
	(void)state;
	read_object(1, a_namespace("shop", ""));
	read_object(1, a_pod("shop", "web", "app=web", "10.0.0.1"));
	read_object(2, a_policy("shop", "p", "", DIRECTION_INGRESS));
	ASSIGN(0, 1, 2);
	forget_changes();
	read_object(2, a_namespace("shop", ""));
	read_object(2, a_pod("shop", "web", "app=db", "10.0.0.1"));
	read_object(1, a_policy("shop", "p", "", DIRECTION_INGRESS));
	assert_int_equal(1, ASSIGN(0, 1, 2));
	assert_int_equal(0, n_ended());
	assert_int_equal(1, cluster_changes(cluster)->n);
	assert_int_equal(2, bundle_of(a_namespace("shop", "")));
	assert_int_equal(2, bundle_of(a_pod("shop", "web", "", "")));
	assert_int_equal(1, bundle_of(a_policy("shop", "p", "", 0)));
	/* … and goes with the bundle that it is in now. */
	forget_changes();
	assert_int_equal(1, ASSIGN(0, 1));
	assert_int_equal(1, n_ended());
	assert_true(is_there(a_namespace("shop", "")));
}

static void a_namespace_that_moves_wakes_no_policy(void **state)
{
	(void)state; /* NP-66: as it would if it went and came back */
	read_object(1, a_namespace("shop", ""));
	read_object(2, a_pod("shop", "web", "", "10.0.0.1"));
	read_object(3, a_policy("shop", "p", "", DIRECTION_INGRESS));
	ASSIGN(0, 1, 2, 3);
	ASSIGN(1000, 3);
	forget_changes();
	read_object(4, a_namespace("shop", ""));
	assert_int_equal(0, ASSIGN(2000, 1));
	assert_int_equal(0, cluster_changes(cluster)->n);
}

static void what_is_remembered_is_in_no_bundle(void **state)
{
	struct object going = a_namespace("shop", "");

	(void)state; /* L24, NP-66 */
	going.namespace.terminating = true;
	read_object(1, going);
	read_object(1, a_pod("shop", "web", "", "10.0.0.1"));
	read_object(2, a_policy("shop", "p", "", DIRECTION_INGRESS));
	ASSIGN(0, 1, 2);
	assert_int_equal(0, ASSIGN(1000, 2));
	assert_int_equal(0, bundle_of(a_policy("shop", "p", "", 0)));
	assert_non_null(
		cluster_find(cluster, OBJECT_NETWORK_POLICY, "shop", "p"));
	/* Bundle 2 ends again, with nothing in it. */
	assert_int_equal(0, ASSIGN(2000, 2));
	assert_non_null(
		cluster_find(cluster, OBJECT_NETWORK_POLICY, "shop", "p"));
	assert_int_equal(1, ASSIGN(3000, 1));
	assert_null(cluster_find(cluster, OBJECT_NETWORK_POLICY, "shop", "p"));
}

static void what_is_put_by_itself_is_in_no_bundle(void **state)
{
	struct object pod = a_pod("a", "one", "", "10.0.0.1");

	(void)state;
	read_object(1, pod);
	ASSIGN(0, 1);
	assert_int_equal(0, cluster_put(cluster, &pod, 0));
	assert_int_equal(0, bundle_of(pod));
	assert_int_equal(0, ASSIGN(0, 1));
	assert_true(is_there(pod));
}

static void deleting_an_object_takes_it_out_of_its_bundle(void **state)
{
	struct object one = a_pod("a", "one", "", "10.0.0.1");

	(void)state;
	read_object(1, one);
	read_object(1, a_pod("a", "two", "", "10.0.0.2"));
	read_object(1, a_pod("a", "three", "", "10.0.0.3"));
	ASSIGN(0, 1);
	assert_int_equal(1, cluster_delete(cluster, &one, 0));
	assert_int_equal(1, ASSIGN(0, 1));
	assert_int_equal(0, cluster_count(cluster, OBJECT_POD));
}

static void assigning_all_brings_the_bundles_along(void **state)
{
	(void)state;
	read_object(1, a_pod("a", "one", "", "10.0.0.1"));
	read_object(2, a_pod("a", "two", "", "10.0.0.2"));
	ASSIGN(0, 1, 2);
	read_object(3, a_pod("a", "one", "", "10.0.0.1"));
	read_object(4, a_pod("a", "three", "", "10.0.0.3"));
	assert_int_equal(1, cluster_assign(cluster, from, 0));
	assert_int_equal(3, bundle_of(a_pod("a", "one", "", "")));
	assert_int_equal(4, bundle_of(a_pod("a", "three", "", "")));
	assert_false(is_there(a_pod("a", "two", "", "")));
}

static void many_bundles_are_kept_apart(void **state)
{
	static char names[3000][16];

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		snprintf(names[i], sizeof(names[i]), "p%u", i);
		read_object(1 + i % 1000, a_pod("a", names[i], "", ""));
	}
	assert_int_equal(1, cluster_assign(cluster, from, 0));
	cluster_free(from);
	from = cluster_new();
	for (uint32_t i = 0; i < 1000; i += 2)
		assert_int_equal(1, ASSIGN(0, 1 + i));
	assert_int_equal(1500, cluster_count(cluster, OBJECT_POD));
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(i % 2, is_there(a_pod("a", names[i], "", "")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_clusters, free_clusters)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_bundle_replaces_what_it_held_and_nothing_else),
		TEST(the_same_again_changes_nothing),
		TEST(a_bundle_that_is_gone_takes_its_objects_with_it),
		TEST(an_object_that_moves_does_not_end),
		TEST(a_namespace_that_moves_wakes_no_policy),
		TEST(what_is_remembered_is_in_no_bundle),
		TEST(what_is_put_by_itself_is_in_no_bundle),
		TEST(deleting_an_object_takes_it_out_of_its_bundle),
		TEST(assigning_all_brings_the_bundles_along),
		TEST(many_bundles_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
