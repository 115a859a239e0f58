/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/cluster.h"

#include "object_build.h"

static struct cluster *cluster;

static int make_cluster(void **state)
{
	(void)state;
	cluster = cluster_new();
	return cluster ? 0 : -1;
}

static int free_cluster(void **state)
{
	(void)state;
	cluster_free(cluster);
	arena_release(&build_arena);
	return 0;
}

static int put(struct object object, int64_t now_ms)
{
	return cluster_put(cluster, &object, now_ms);
}

static int del(struct object object, int64_t now_ms)
{
	return cluster_delete(cluster, &object, now_ms);
}

static int count_one(void *ctx, const struct object *object)
{
	size_t *n = ctx;

	(void)object;
	++*n;
	return 0;
}

/* What decisions see, remembered objects included. */
static size_t seen(enum object_kind kind)
{
	size_t n = 0;

	cluster_each(cluster, kind, count_one, &n);
	return n;
}

static struct object terminating(const char *name)
{
	struct object object = a_namespace(name, "");

	object.namespace.terminating = true;
	return object;
}

static struct object deny_all(void)
{
	return a_policy("shop", "deny-all", "", DIRECTION_INGRESS);
}

static void putting_the_same_again_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(1, put(a_pod("a", "p", "app=x", "10.0.0.1"), 0));
	assert_int_equal(0, put(a_pod("a", "p", "app=x", "10.0.0.1"), 0));
	assert_int_equal(1, put(a_pod("a", "p", "app=y", "10.0.0.1"), 0));
	assert_int_equal(1, put(a_pod("a", "p", "app=y", "10.0.0.2"), 0));
	assert_int_equal(1, cluster_count(cluster, OBJECT_POD));
}

static void deleting_what_is_unknown_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(0, del(a_pod("a", "p", "", ""), 0));
	assert_int_equal(0, del(deny_all(), 0));
	assert_int_equal(0, del(a_namespace("a", ""), 0));
}

static void names_are_pairs_never_concatenations(void **state)
{
	(void)state; /* L25 */
	assert_int_equal(1, put(a_pod("a-b", "c", "", "10.0.0.1"), 0));
	assert_int_equal(1, put(a_pod("a", "b-c", "", "10.0.0.2"), 0));
	assert_int_equal(1, put(a_pod("a", "-bc", "", "10.0.0.3"), 0));
	assert_int_equal(3, cluster_count(cluster, OBJECT_POD));
	assert_int_equal(1, del(a_pod("a", "b-c", "", ""), 0));
	assert_int_equal(0, del(a_pod("a", "b-c", "", ""), 0));
	assert_int_equal(2, cluster_count(cluster, OBJECT_POD));
}

static void a_late_deletion_of_a_predecessor_is_nothing(void **state)
{
	const struct object objects[] = {
		a_pod("a", "db-0", "", "10.0.0.1"),
		a_namespace("a", ""),
		a_policy("a", "allow-db", "", DIRECTION_INGRESS),
	};
	static const struct {
		const char *known, *deleted;
		int changes;
	} cases[] = {
		{ "uid-2", "uid-1", 0 }, { "uid-2", "uid-2", 1 },
		{ "uid-2", "", 1 }, /* nobody says which one it was */
		{ "", "uid-1", 1 },	 { "", "", 1 },
	};

	(void)state; /* API-25, NP-64 */
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		enum object_kind kind = objects[i].kind;

		for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
			put(with_uid(objects[i], "uid-1"), 0);
			put(with_uid(objects[i], cases[k].known), 0);
			assert_int_equal(
				cases[k].changes,
				del(with_uid(objects[i], cases[k].deleted), 0));
			assert_int_equal(!cases[k].changes,
					 cluster_count(cluster, kind));
			del(objects[i], 0);
		}
	}
}

static void the_same_name_with_another_uid_is_a_change(void **state)
{
	const struct object objects[] = {
		a_pod("a", "db-0", "", "10.0.0.1"),
		a_namespace("a", ""),
		a_policy("a", "allow-db", "", DIRECTION_INGRESS),
	};

	(void)state; /* API-25 */
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		assert_int_equal(1, put(with_uid(objects[i], "uid-1"), 0));
		assert_int_equal(0, put(with_uid(objects[i], "uid-1"), 0));
		assert_int_equal(1, put(with_uid(objects[i], "uid-2"), 0));
		assert_int_equal(1, cluster_count(cluster, objects[i].kind));
	}
}

static void a_list_replaces_what_was_there(void **state)
{
	(void)state; /* API-17 */
	put(a_pod("a", "old", "", "10.0.0.1"), 0);
	put(a_pod("a", "kept", "", "10.0.0.2"), 0);
	cluster_replace_begin(cluster, OBJECT_POD);
	put(a_pod("a", "kept", "", "10.0.0.2"), 0);
	put(a_pod("a", "new", "", "10.0.0.3"), 0);
	assert_int_equal(3, cluster_count(cluster, OBJECT_POD));
	assert_int_equal(1, cluster_replace_end(cluster, OBJECT_POD, 0));
	assert_int_equal(2, cluster_count(cluster, OBJECT_POD));
	assert_int_equal(0, del(a_pod("a", "old", "", ""), 0));
}

static void a_list_that_broke_off_deletes_nothing(void **state)
{
	(void)state;
	put(a_pod("a", "old", "", "10.0.0.1"), 0);
	cluster_replace_begin(cluster, OBJECT_POD);
	put(a_pod("a", "new", "", "10.0.0.2"), 0);
	cluster_replace_abort(cluster, OBJECT_POD);
	assert_int_equal(0, cluster_replace_end(cluster, OBJECT_POD, 0));
	assert_int_equal(2, cluster_count(cluster, OBJECT_POD));
}

static void a_deleted_policy_ends_at_once_elsewhere(void **state)
{
	(void)state; /* NP-17 */
	put(a_namespace("shop", ""), 0);
	put(a_pod("shop", "web", "", "10.0.0.1"), 0);
	put(deny_all(), 0);
	assert_int_equal(1, del(deny_all(), 1000));
	assert_int_equal(0, seen(OBJECT_NETWORK_POLICY));
}

static void policies_outlive_their_deletion_while_a_namespace_goes(void **state)
{
	(void)state; /* L24, NP-66 */
	put(a_namespace("shop", ""), 0);
	put(a_pod("shop", "web", "", "10.0.0.1"), 0);
	put(deny_all(), 0);
	put(terminating("shop"), 1000);
	assert_int_equal(0, del(deny_all(), 2000));
	assert_int_equal(1, seen(OBJECT_NETWORK_POLICY));
	assert_int_equal(0, cluster_count(cluster, OBJECT_NETWORK_POLICY));
	/* The namespace may go before the pods are seen to go. */
	del(terminating("shop"), 3000);
	assert_int_equal(1, seen(OBJECT_NETWORK_POLICY));
	assert_int_equal(1, seen(OBJECT_NAMESPACE));
	assert_int_equal(1, del(a_pod("shop", "web", "", ""), 4000));
	assert_int_equal(0, seen(OBJECT_NETWORK_POLICY));
	assert_int_equal(0, seen(OBJECT_NAMESPACE));
}

static void a_finished_pod_does_not_hold_a_namespace(void **state)
{
	struct object pod = a_pod("shop", "job", "", "10.0.0.1");

	(void)state; /* NP-62, NP-66 */
	put(terminating("shop"), 0);
	put(pod, 0);
	put(deny_all(), 0);
	assert_int_equal(0, del(deny_all(), 1000));
	pod.pod.finished = true;
	put(pod, 2000);
	del(terminating("shop"), 3000);
	assert_int_equal(0, seen(OBJECT_NETWORK_POLICY));
}

static void a_pod_seen_late_finds_the_policies_of_its_namespace(void **state)
{
	(void)state; /* NP-66, API-18: the policy's end is seen first */
	put(terminating("shop"), 0);
	put(deny_all(), 0);
	del(deny_all(), 1000);
	put(a_pod("shop", "web", "", "10.0.0.1"), 2000);
	assert_int_equal(1, seen(OBJECT_NETWORK_POLICY));
}

static void a_namespaces_successor_inherits_no_policy(void **state)
{
	(void)state; /* NP-66 */
	put(a_namespace("shop", ""), 0);
	put(deny_all(), 0);
	del(deny_all(), 1000);
	del(a_namespace("shop", ""), 1500);
	put(terminating("shop"), 2000);
	assert_int_equal(0, seen(OBJECT_NETWORK_POLICY));
}

static void a_policy_deleted_just_before_the_news_comes_back(void **state)
{
	(void)state; /* NP-66: the watches are not ordered against each other */
	put(a_namespace("shop", ""), 0);
	put(a_pod("shop", "web", "", "10.0.0.1"), 0);
	put(deny_all(), 0);
	del(deny_all(), 1000);
	assert_int_equal(0, seen(OBJECT_NETWORK_POLICY));
	put(terminating("shop"), 1500);
	assert_int_equal(1, seen(OBJECT_NETWORK_POLICY));
}

static size_t n_rules_seen;

static int count_rules(void *ctx, const struct object *object)
{
	(void)ctx;
	n_rules_seen += object->policy.n_rules[DIRECTION_INGRESS];
	return 0;
}

static void a_policy_deleted_somewhat_before_comes_back_bare(void **state)
{
	struct object allow =
		with_rule(deny_all(), DIRECTION_INGRESS, (struct rule){ 0 });
	static const struct {
		int64_t later_ms;
		size_t n_policies, n_rules;
	} cases[] = {
		{ 5000, 1, 1 },
		{ 5001, 1, 0 },
		{ 60000, 1, 0 },
		{ 60001, 0, 0 },
	};

	(void)state; /* NP-66: it may have been deleted for what it allowed */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(a_namespace("shop", ""), 0);
		put(a_pod("shop", "web", "", "10.0.0.1"), 0);
		put(allow, 0);
		del(allow, 1000);
		put(terminating("shop"), 1000 + cases[i].later_ms);
		n_rules_seen = 0;
		cluster_each(cluster, OBJECT_NETWORK_POLICY, count_rules, NULL);
		assert_int_equal(cases[i].n_policies,
				 seen(OBJECT_NETWORK_POLICY));
		assert_int_equal(cases[i].n_rules, n_rules_seen);
		del(a_pod("shop", "web", "", ""), 100000);
		del(terminating("shop"), 100000);
	}
}

static void what_goes_leaves_no_memory_behind(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "ns-%d", i);
		put(with_uid(a_namespace(name, "team=x"), name), i);
		put(a_pod(name, name, "app=y", "10.0.0.1"), i);
		put(with_uid(a_policy(name, name, "app=y", DIRECTION_EGRESS),
			     name),
		    i);
	}
	assert_int_equal(2, cluster_memory(cluster).lists);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "ns-%d", i);
		del(a_policy(name, name, "", DIRECTION_EGRESS), 1000);
		del(a_pod(name, name, "", ""), 1000);
		del(a_namespace(name, ""), 1000);
	}
	/* The last event ages the tombstones. */
	del(a_node("n", ""), 100000);
	assert_int_equal(0, cluster_memory(cluster).bytes);
	assert_int_equal(0, cluster_memory(cluster).strings);
	assert_int_equal(0, cluster_memory(cluster).lists);
}

static void a_policy_deleted_long_before_stays_deleted(void **state)
{
	(void)state; /* NP-17 */
	put(a_namespace("shop", ""), 0);
	put(a_pod("shop", "web", "", "10.0.0.1"), 0);
	put(deny_all(), 0);
	del(deny_all(), 1000);
	put(terminating("shop"), 3600 * 1000);
	assert_int_equal(0, seen(OBJECT_NETWORK_POLICY));
}

static void a_namespace_made_anew_starts_without_the_old_policies(void **state)
{
	(void)state;
	put(terminating("shop"), 0);
	put(a_pod("shop", "web", "", "10.0.0.1"), 0);
	put(deny_all(), 0);
	del(deny_all(), 1000);
	assert_int_equal(1, seen(OBJECT_NETWORK_POLICY));
	put(a_namespace("shop", ""), 2000);
	assert_int_equal(0, seen(OBJECT_NETWORK_POLICY));
}

static void a_node_keeps_the_blocks_of_its_pods(void **state)
{
	struct object node = a_node("n", "192.0.2.1");
	struct cidr blocks[2];
	const struct node *kept;

	(void)state; /* NP-67 */
	assert_int_equal(0, cidr_parse("10.1.0.0/24", 11, &blocks[0], NULL));
	assert_int_equal(0, cidr_parse("fd00:1::/64", 11, &blocks[1], NULL));
	node.node.pod_cidrs = blocks;
	node.node.n_pod_cidrs = 1;
	assert_int_equal(1, put(node, 0));
	assert_int_equal(0, put(node, 0));
	node.node.n_pod_cidrs = 2;
	assert_int_equal(1, put(node, 0));
	kept = &cluster_find(cluster, OBJECT_NODE, "", "n")->node;
	assert_int_equal(1, kept->n_addresses);
	assert_int_equal(2, kept->n_pod_cidrs);
	assert_memory_equal(blocks, kept->pod_cidrs, sizeof(blocks));
	assert_ptr_not_equal(blocks, kept->pod_cidrs);
}

static void other_namespaces_are_not_touched(void **state)
{
	struct object other =
		a_policy("shop-2", "deny-all", "", DIRECTION_INGRESS);

	(void)state;
	put(terminating("shop"), 0);
	put(a_namespace("shop-2", ""), 0);
	put(a_pod("shop", "web", "", "10.0.0.1"), 0);
	put(a_pod("shop-2", "web", "", "10.0.0.2"), 0);
	put(other, 0);
	assert_int_equal(1, del(other, 1000));
	assert_int_equal(0, seen(OBJECT_NETWORK_POLICY));
}

static void many_objects_are_found_again(void **state)
{
	static char names[5000][16];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(names[i], sizeof(names[i]), "p%d", i);
		assert_int_equal(1, put(a_pod("a", names[i], "", ""), 0));
	}
	assert_int_equal(5000, cluster_count(cluster, OBJECT_POD));
	for (int i = 0; i < 5000; i += 2)
		assert_int_equal(1, del(a_pod("a", names[i], "", ""), 0));
	assert_int_equal(2500, cluster_count(cluster, OBJECT_POD));
}

static void assigning_makes_one_cluster_hold_what_another_holds(void **state)
{
	struct cluster *from = cluster_new();
	struct object kept = a_pod("a", "kept", "", "10.0.0.2");
	struct object new = a_namespace("a", "team=x");

	(void)state;
	put(a_pod("a", "old", "", "10.0.0.1"), 0);
	put(kept, 0);
	cluster_put(from, &kept, 0);
	cluster_put(from, &new, 0);
	assert_int_equal(1, cluster_assign(cluster, from, 0));
	assert_int_equal(0, cluster_assign(cluster, from, 0));
	assert_int_equal(1, cluster_count(cluster, OBJECT_POD));
	assert_int_equal(1, cluster_count(cluster, OBJECT_NAMESPACE));
	cluster_free(from);
}

/* ---- modes (NP-8) ------------------------------------------------------- */

static bool is_staged(const char *name)
{
	const struct object *policy =
		cluster_find(cluster, OBJECT_NETWORK_POLICY, "shop", name);

	assert_non_null(policy);
	return policy->policy.staged;
}

static struct object shop(enum policy_mode mode)
{
	return with_mode(a_namespace("shop", ""), mode);
}

static struct object policy(const char *name, enum policy_mode mode)
{
	return with_mode(a_policy("shop", name, "", DIRECTION_INGRESS), mode);
}

static const struct {
	const char *name;
	enum policy_mode of_namespace, of_policy;
	bool staged;
} modes[] = {
	{ "without a word a policy is enforced", POLICY_MODE_NONE,
	  POLICY_MODE_NONE, false },
	{ "a policy can be staged", POLICY_MODE_NONE, POLICY_MODE_AUDIT, true },
	{ "a namespace stages its policies", POLICY_MODE_AUDIT,
	  POLICY_MODE_NONE, true },
	{ "a policy's word beats its namespace's", POLICY_MODE_AUDIT,
	  POLICY_MODE_ENFORCE, false },
	{ "either way", POLICY_MODE_ENFORCE, POLICY_MODE_AUDIT, true },
};

/* In either order of the two, and whatever the namespace was before. */
static void the_nearest_word_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct object p = policy("p", modes[i].of_policy);
		bool staged[3];

		put(p, 0);
		put(shop(modes[i].of_namespace), 0);
		staged[0] = is_staged("p");
		put(p, 0);
		staged[1] = is_staged("p");
		put(shop(POLICY_MODE_AUDIT), 0);
		put(shop(modes[i].of_namespace), 0);
		staged[2] = is_staged("p");
		for (int k = 0; k < 3; k++)
			if (staged[k] != modes[i].staged)
				fail_msg("%s: got %d at %d", modes[i].name,
					 staged[k], k);
		del(p, 0);
		del(shop(POLICY_MODE_NONE), 0);
	}
}

static void a_mode_is_a_change(void **state)
{
	(void)state;
	assert_int_equal(1, put(policy("p", POLICY_MODE_NONE), 0));
	assert_int_equal(1, put(policy("p", POLICY_MODE_AUDIT), 0));
	assert_int_equal(0, put(policy("p", POLICY_MODE_AUDIT), 0));
	assert_int_equal(1, put(shop(POLICY_MODE_NONE), 0));
	assert_int_equal(1, put(shop(POLICY_MODE_AUDIT), 0));
	assert_int_equal(0, put(shop(POLICY_MODE_AUDIT), 0));
}

static void what_was_staged_is_no_matter_of_who_puts_it(void **state)
{
	struct object p = policy("p", POLICY_MODE_NONE);

	(void)state;
	p.policy.staged = true;
	put(p, 0);
	assert_false(is_staged("p"));
}

static void without_its_namespace_a_policy_is_enforced(void **state)
{
	(void)state;
	put(shop(POLICY_MODE_AUDIT), 0);
	put(policy("p", POLICY_MODE_NONE), 0);
	assert_true(is_staged("p"));
	del(shop(POLICY_MODE_NONE), 0);
	assert_false(is_staged("p"));
}

/* NP-66, and the mode that counts is that of now. */
static void remembered_policies_have_their_namespaces_mode(void **state)
{
	(void)state;
	put(shop(POLICY_MODE_NONE), 0);
	put(a_pod("shop", "web", "", "10.0.0.1"), 0);
	put(policy("p", POLICY_MODE_NONE), 0);
	del(policy("p", POLICY_MODE_NONE), 1000);
	put(with_mode(terminating("shop"), POLICY_MODE_AUDIT), 2000);
	assert_true(is_staged("p"));
	put(with_mode(terminating("shop"), POLICY_MODE_NONE), 3000);
	assert_false(is_staged("p"));
}

static void bundles_stay_whole_when_a_mode_changes(void **state)
{
	struct cluster *from = cluster_new();
	struct object p = policy("p", POLICY_MODE_NONE);
	struct object q = policy("q", POLICY_MODE_NONE);
	struct object ns = shop(POLICY_MODE_NONE);
	uint32_t bundle = 1;

	(void)state;
	cluster_put_in(cluster, bundle, &p, 0);
	cluster_put_in(cluster, bundle, &q, 0);
	cluster_put_in(cluster, bundle, &ns, 0);
	/* The namespace changes while its policies are set aside, and one of
	   them is not there any more. */
	ns = shop(POLICY_MODE_AUDIT);
	cluster_put_in(from, bundle, &ns, 0);
	cluster_put_in(from, bundle, &p, 0);
	assert_int_equal(1,
			 cluster_assign_bundles(cluster, &bundle, 1, from, 0));
	assert_true(is_staged("p"));
	assert_int_equal(1, cluster_count(cluster, OBJECT_NETWORK_POLICY));
	assert_int_equal(1, cluster_bundle_of(cluster, &p));
	cluster_free(from);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_cluster, free_cluster)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(putting_the_same_again_changes_nothing),
		TEST(deleting_what_is_unknown_is_nothing),
		TEST(names_are_pairs_never_concatenations),
		TEST(a_late_deletion_of_a_predecessor_is_nothing),
		TEST(the_same_name_with_another_uid_is_a_change),
		TEST(a_list_replaces_what_was_there),
		TEST(a_list_that_broke_off_deletes_nothing),
		TEST(a_deleted_policy_ends_at_once_elsewhere),
		TEST(policies_outlive_their_deletion_while_a_namespace_goes),
		TEST(a_finished_pod_does_not_hold_a_namespace),
		TEST(a_pod_seen_late_finds_the_policies_of_its_namespace),
		TEST(a_namespaces_successor_inherits_no_policy),
		TEST(a_policy_deleted_just_before_the_news_comes_back),
		TEST(a_policy_deleted_somewhat_before_comes_back_bare),
		TEST(a_policy_deleted_long_before_stays_deleted),
		TEST(what_goes_leaves_no_memory_behind),
		TEST(a_namespace_made_anew_starts_without_the_old_policies),
		TEST(a_node_keeps_the_blocks_of_its_pods),
		TEST(other_namespaces_are_not_touched),
		TEST(many_objects_are_found_again),
		TEST(assigning_makes_one_cluster_hold_what_another_holds),
		TEST(the_nearest_word_counts),
		TEST(a_mode_is_a_change),
		TEST(what_was_staged_is_no_matter_of_who_puts_it),
		TEST(without_its_namespace_a_policy_is_enforced),
		TEST(remembered_policies_have_their_namespaces_mode),
		TEST(bundles_stay_whole_when_a_mode_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
