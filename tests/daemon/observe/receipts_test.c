/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told to be in force, and since when (L36), as a compiler and the
 * steps of a change have it: a small cluster is compiled, published and put in
 * force.
 */
#include "observe/receipts.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kube/name_set.h"

#include "../../policy/object_build.h"

static struct receipts *receipts;
static struct cluster *cluster;
static struct compiler *compiler;
static struct snapshot *snapshot;
static int64_t now_s;

#define US INT64_C(1000000)

static void begin_compiling(void)
{
	cluster = cluster_new();
	assert_int_equal(0, compiler_new(cluster, NULL, &compiler, NULL));
}

static void end_compiling(void)
{
	snapshot_free(snapshot);
	snapshot = NULL;
	compiler_free(compiler);
	cluster_free(cluster);
}

static int begin(void **state)
{
	(void)state;
	assert_int_equal(0, receipts_new(&receipts, NULL));
	begin_compiling();
	now_s = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	receipts_free(receipts);
	end_compiling();
	arena_release(&build_arena);
	return 0;
}

/* ---- a change ------------------------------------------------------------ */

/* What it says is for @selector to tell. */
static void put_one(const char *name, const char *uid, const char *selector,
		    int64_t generation)
{
	struct object policy = with_uid(
		a_policy("shop", name, selector, DIRECTION_INGRESS), uid);

	policy.policy.generation = generation;
	assert_true(cluster_put(cluster, &policy, 0) >= 0);
}

static void put(const char *name, const char *selector, int64_t generation)
{
	put_one(name, "", selector, generation);
}

static void del(const char *name)
{
	struct object policy = a_policy("shop", name, "", DIRECTION_INGRESS);

	assert_true(cluster_delete(cluster, &policy, 0) >= 0);
}

static void compile(void)
{
	struct snapshot *before = snapshot;
	struct update update;

	assert_int_equal(0,
			 compiler_compile(compiler, &snapshot, &update, NULL));
	snapshot_free(before);
	assert_int_equal(0, receipts_follow(receipts, &update, cluster));
}

static void publish(void)
{
	receipts_published(receipts);
}

/* A second later each time. */
static void put_in_force(void)
{
	receipts_in_force(receipts, ++now_s * US);
}

static void apply(void)
{
	compile();
	publish();
	put_in_force();
}

/* ---- what is told -------------------------------------------------------- */

/* "3@2": generation 3 since second 2; "-": none; "?": nobody knows; with "!":
   it is not what the API server has. */
static void expect(const char *sentence, const char *name, const char *expected)
{
	struct receipt receipt = { 0 };
	char got[64] = "-";

	switch (receipts_find(receipts, "shop", name, &receipt)) {
	case RECEIPT_UNKNOWN:
		strcpy(got, "?");
		break;
	case RECEIPT_ABSENT:
		break;
	case RECEIPT_IN_FORCE:
		snprintf(got, sizeof(got), "%" PRId64 "@%" PRId64,
			 receipt.generation, receipt.since_us / US);
		break;
	}
	if (receipt.is_unreadable)
		strcat(got, "!");
	if (strcmp(got, expected) != 0)
		fail_msg("%s: expected %s of %s, got %s", sentence, expected,
			 name, got);
}

static void nothing_is_known_before_the_first_is_in_force(void **state)
{
	(void)state;
	put("a", "", 1);
	expect("before anything", "a", "?");
	compile();
	expect("it is compiled", "a", "?");
	publish();
	expect("it is published", "a", "?");
	expect("nor is anything absent", "b", "?");
	put_in_force();
	expect("it is in force", "a", "1@1");
	expect("another one is not", "b", "-");
}

static void a_change_counts_once_it_is_in_force(void **state)
{
	(void)state;
	put("a", "", 1);
	put("b", "", 4);
	apply();
	put("a", "x=y", 2);
	compile();
	expect("it is compiled", "a", "1@1");
	publish();
	expect("open connections do not obey yet", "a", "1@1");
	put_in_force();
	expect("it is in force", "a", "2@2");
	expect("another has not changed", "b", "4@1");
	del("a");
	compile();
	publish();
	expect("its end is not in force yet", "a", "2@2");
	put_in_force();
	expect("its end is in force", "a", "-");
	put("a", "x=y", 2);
	apply();
	expect("it is here again, as a new one", "a", "2@4");
}

static void what_is_refused_goes_along_with_the_next_change(void **state)
{
	(void)state;
	put("a", "", 1);
	apply();
	put("a", "", 2);
	compile(); /* and no more */
	put_in_force();
	expect("an older change is settled", "a", "1@1");
	put("b", "", 1);
	compile();
	expect("the next one is compiled", "a", "1@1");
	publish();
	put_in_force();
	expect("both are in force", "a", "2@3");
	expect("both are in force", "b", "1@3");
}

/* An earlier one may wait for connections while the next one is refused. */
static void only_what_was_published_is_in_force(void **state)
{
	(void)state;
	put("a", "", 1);
	apply();
	put("a", "", 2);
	compile();
	publish();
	put("a", "", 3);
	compile();
	put_in_force();
	expect("the published one is", "a", "2@2");
	publish();
	put_in_force();
	expect("and then the other one", "a", "3@3");
}

static void who_says_the_same_keeps_its_time(void **state)
{
	(void)state;
	put("a", "x=y", 0);
	put("b", "x=y", 0);
	apply();
	put("a", "x=z", 0);
	apply();
	expect("without a generation what it says counts", "a", "0@2");
	expect("without a generation what it says counts", "b", "0@1");
	put("b", "x=z", 0);
	put("b", "x=y", 0);
	apply();
	expect("there and back is no change", "b", "0@1");
	put("b", "x=y", 7);
	apply();
	expect("another generation is", "b", "7@4");
}

/* API-25: of a deletion and what comes after it a list tells only the end. */
static void a_successor_is_another_one(void **state)
{
	struct receipt receipt;

	(void)state;
	put_one("a", "u-1", "x=y", 1);
	apply();
	put_one("a", "u-2", "x=y", 1);
	compile();
	publish();
	expect("its predecessor is in force", "a", "1@1");
	receipts_find(receipts, "shop", "a", &receipt);
	assert_string_equal("u-1", receipt.uid);
	put_in_force();
	expect("it is, since then", "a", "1@2");
	receipts_find(receipts, "shop", "a", &receipt);
	assert_string_equal("u-2", receipt.uid);
	put_one("a", "u-2", "x=y", 1);
	apply();
	expect("who is read again keeps its time", "a", "1@2");
}

/* A compiler that begins from nothing, another source: nobody says what has
   changed. */
static void all_may_have_changed(void **state)
{
	(void)state;
	put("a", "", 1);
	put("b", "", 1);
	put("c", "", 1);
	apply();
	end_compiling();
	begin_compiling();
	put("a", "", 1);
	put("b", "", 2);
	put("d", "", 1);
	apply();
	expect("it has not", "a", "1@1");
	expect("it has", "b", "2@2");
	expect("it has gone", "c", "-");
	expect("it has come", "d", "1@2");
}

static void a_pause_ends_them_all(void **state)
{
	(void)state;
	put("a", "", 1);
	put("b", "", 1);
	apply();
	receipts_suspend(receipts);
	expect("in a pause nothing is in force", "a", "?");
	put("b", "", 2);
	compile();
	expect("nor what comes meanwhile", "b", "?");
	compile();
	publish();
	expect("nor what is published at its end", "b", "?");
	put_in_force();
	expect("after it all is", "a", "1@2");
	expect("after it all is", "b", "2@2");
	put("b", "", 3);
	apply();
	expect("and stays", "a", "1@2");
	expect("and changes", "b", "3@3");
}

static void expect_list(const char *sentence, const char *expected)
{
	json_t *list = receipts_to_json(receipts);
	char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);

	assert_non_null(text);
	if (strcmp(text, expected) != 0)
		fail_msg("%s: expected %s, got %s", sentence, expected, text);
	free(text);
	json_decref(list);
}

/* NULL: everything can be read. */
static void cannot_read(const char *name, bool is_settled)
{
	struct name_set names = { 0 };

	if (name)
		assert_int_equal(0, name_set_put(&names, "shop", name));
	assert_true(receipts_unreadable(receipts, &names, is_settled) >= 0);
	name_set_clear(&names);
}

/* L23 */
static void what_cannot_be_read_is_told_of_until_it_is_in_force(void **state)
{
	(void)state;
	put("a", "", 1);
	apply();
	cannot_read("b", true);
	expect("nothing of it is in force", "b", "-!");
	expect("it is of another", "a", "1@1");
	cannot_read("a", true);
	expect("it is of another", "b", "-");
	expect("it is not what the server has any more", "a", "1@1!");
	put("a", "x=y", 2);
	apply();
	expect("nor is the part that can be read", "a", "2@2!");
	put("a", "", 3);
	compile();
	cannot_read(NULL, true);
	expect("it can be read, and is compiled", "a", "2@2!");
	publish();
	cannot_read(NULL, true);
	expect("it is published", "a", "2@2!");
	put_in_force();
	cannot_read(NULL, false);
	expect("more of it may have come", "a", "3@3!");
	cannot_read(NULL, true);
	expect("it is in force", "a", "3@3");
	expect_list("nothing is wrong with it",
		    "[{\"generation\":3,\"in_force_since\":"
		    "\"1970-01-01T00:00:03.000Z\",\"name\":\"a\","
		    "\"namespace\":\"shop\"}]");
	cannot_read("a", false);
	expect_list("now it is", "[{\"generation\":3,\"in_force_since\":"
				 "\"1970-01-01T00:00:03.000Z\",\"name\":\"a\","
				 "\"namespace\":\"shop\","
				 "\"unreadable\":true}]");
}

/* L25 */
static void names_are_pairs(void **state)
{
	struct object first = a_policy("a-b", "c", "", DIRECTION_INGRESS);
	struct receipt receipt;

	(void)state;
	assert_true(cluster_put(cluster, &first, 0) >= 0);
	apply();
	assert_int_equal(RECEIPT_IN_FORCE,
			 receipts_find(receipts, "a-b", "c", &receipt));
	assert_int_equal(RECEIPT_ABSENT,
			 receipts_find(receipts, "a", "b-c", &receipt));
	assert_int_equal(RECEIPT_ABSENT,
			 receipts_find(receipts, "a-bc", "", &receipt));
}

/* ---- the list ------------------------------------------------------------ */

static void the_list_is_sorted(void **state)
{
	(void)state;
	put("b", "", 2);
	put("a", "", 0);
	expect_list("nothing is in force yet", "[]");
	apply();
	expect_list("both are", "[{\"in_force_since\":"
				"\"1970-01-01T00:00:01.000Z\",\"name\":\"a\","
				"\"namespace\":\"shop\"},{\"generation\":2,"
				"\"in_force_since\":\"1970-01-01T00:00:01."
				"000Z\",\"name\":\"b\",\"namespace\":"
				"\"shop\"}]");
	receipts_suspend(receipts);
	expect_list("in a pause nothing is", "[]");
}

/* As many as there are in a big cluster, and again none. */
static void many_come_and_go(void **state)
{
	const size_t n = 5000;
	char name[32];
	json_t *list;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "p%zu", i);
			if (round == 0)
				put(arena_strdup(&build_arena, name), "", 1);
			else
				del(name);
		}
		apply();
		list = receipts_to_json(receipts);
		assert_int_equal(round == 0 ? n : 0, json_array_size(list));
		json_decref(list);
	}
	expect("the last one has gone", "p4999", "-");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_known_before_the_first_is_in_force),
		TEST(a_change_counts_once_it_is_in_force),
		TEST(what_is_refused_goes_along_with_the_next_change),
		TEST(only_what_was_published_is_in_force),
		TEST(who_says_the_same_keeps_its_time),
		TEST(a_successor_is_another_one),
		TEST(all_may_have_changed),
		TEST(a_pause_ends_them_all),
		TEST(what_cannot_be_read_is_told_of_until_it_is_in_force),
		TEST(names_are_pairs),
		TEST(the_list_is_sorted),
		TEST(many_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
