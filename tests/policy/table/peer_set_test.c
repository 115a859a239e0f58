/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "peer_build.h"

/* ---- one fact per row --------------------------------------------------- */

static const struct {
	const char *name;
	const char *namespaces, *pods, *namespace;
	const char *other_namespaces, *other_pods, *other_namespace;
	bool equal;
} pairs[] = {
	{ "a peer is equal to itself", NULL, "app in (a)", "shop", NULL,
	  "app in (a)", "shop", true },
	{ "NP-30: a podSelector alone is another one elsewhere", NULL,
	  "app in (a)", "shop", NULL, "app in (a)", "far", false },
	{ "NP-31: a namespaceSelector is the same everywhere", "env in (a)",
	  NULL, "shop", "env in (a)", NULL, "far", true },
	{ "NP-32: no podSelector is the empty one", "env in (a)", NULL, "shop",
	  "env in (a)", "", "shop", true },
	{ "NP-31: the own namespace is not every namespace", NULL, "", "shop",
	  "", "", "shop", false },
	{ "another value is another peer", NULL, "app in (a)", "shop", NULL,
	  "app in (b)", "shop", false },
	{ "another operator is another peer", NULL, "app in (a)", "shop", NULL,
	  "app notin (a)", "shop", false },
	{ "another key is another peer", NULL, "app in (a)", "shop", NULL,
	  "tier in (a)", "shop", false },
	{ "one value more is another peer", NULL, "app in (a)", "shop", NULL,
	  "app in (a,b)", "shop", false },
	{ "one requirement more is another peer", NULL, "app in (a)", "shop",
	  NULL, "app in (a);tier exists", "shop", false },
	{ "pods are no namespaces", "app in (a)", "", "shop", "", "app in (a)",
	  "shop", false },
};

static void equal_peers_are_one_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(pairs); i++) {
		struct leaf one = a_leaf(pairs[i].namespaces, pairs[i].pods,
					 pairs[i].namespace);
		struct leaf two =
			a_leaf(pairs[i].other_namespaces, pairs[i].other_pods,
			       pairs[i].other_namespace);
		struct peer_set *a = get_new(&one), *b;
		bool is_new;

		b = get(&two, &is_new);
		if ((a == b) != pairs[i].equal || is_new == pairs[i].equal)
			fail_msg("%s: expected %d", pairs[i].name,
				 pairs[i].equal);
		assert_int_equal(pairs[i].equal ? 1 : 2, sets.n_sets);
		peer_set_drop(&the_parts, &sets, a);
		peer_set_drop(&the_parts, &sets, b);
		assert_int_equal(0, sets.n_sets);
		drop_leaf(&one);
		drop_leaf(&two);
	}
}

static const struct {
	const char *name, *namespaces, *pods;
} odd[] = {
	{ "NP-25: an unknown operator matches nobody", NULL, "app ?" },
	{ "NP-25: nor does In without values", NULL, "app in ()" },
	{ "NP-25: nor NotIn without values", NULL, "app notin ()" },
	{ "NP-25: nor Exists with one", NULL, "app exists (a)" },
	{ "NP-25: nor DoesNotExist with one", NULL, "tier absent (a)" },
	{ "NP-25: not even beside what holds", NULL, "app in (a);tier ?" },
	{ "NP-25: the same for a namespaceSelector", "env ?", NULL },
	{ "NP-25: whatever the other one says", "env notin ()", "app in (a)" },
	{ "NP-25: and the other way round", "", "app notin ()" },
};

static void what_cannot_be_evaluated_matches_nobody(void **state)
{
	struct random random = { 1 };
	struct labels labels = some_labels("app=a");

	(void)state;
	make_facts(&random);
	for (size_t i = 0; i < N_OF(odd); i++) {
		struct leaf leaf =
			a_leaf(odd[i].namespaces, odd[i].pods, "shop");
		struct peer_set *set = get_new(&leaf);

		fill(set, &leaf);
		come(&ids[3], &facts[0], &labels);
		if (peer_set_has(set, 3) ||
		    peer_set_matches(set, &facts[0], &labels))
			fail_msg("%s", odd[i].name);
		go(&ids[3]);
		peer_set_drop(&the_parts, &sets, set);
		drop_leaf(&leaf);
	}
	drop_facts();
}

/* ---- where bits are ----------------------------------------------------- */

/* Identities of the namespace shop, which is facts[0], without labels. */
static void come_as(const uint32_t *numbers, size_t n)
{
	const struct labels none = { 0 };

	for (size_t i = 0; i < n; i++)
		come(&ids[numbers[i]], &facts[0], &none);
}

static const struct {
	const char *name;
	uint32_t numbers[4];
	size_t n;
	bool published; /* before the last one comes */
	bool beside;	/* the bits are beside the set */
	uint32_t first, n_words;
} growths[] = {
	{ "one bit is beside the set", { 70 }, 1, false, true, 1, 1 },
	{ "a second word is not: the room was for one",
	  { 70, 130 },
	  2,
	  false,
	  false,
	  1,
	  2 },
	{ "a word is not beside what readers may be reading",
	  { 70 },
	  1,
	  true,
	  false,
	  1,
	  1 },
	{ "bits below make it longer", { 200, 70 }, 2, true, false, 1, 3 },
	{ "bits above make it longer", { 70, 639 }, 2, true, false, 1, 9 },
	{ "bits inside do not", { 70, 639, 200 }, 3, true, false, 1, 9 },
	{ "and in both directions", { 200, 70, 400, 0 }, 4, true, false, 0, 7 },
};

static void a_set_grows_with_its_identities(void **state)
{
	struct random random = { 1 };

	(void)state;
	make_facts(&random);
	for (size_t i = 0; i < N_OF(growths); i++) {
		struct leaf leaf = a_leaf(NULL, "", "shop");
		struct peer_set *set = get_new(&leaf);
		size_t n = growths[i].n;

		come_as(growths[i].numbers, n - 1);
		if (growths[i].published)
			pass_round();
		come_as(growths[i].numbers + n - 1, 1);
		if ((set->many == NULL) != growths[i].beside ||
		    set->bits->first != growths[i].first ||
		    set->bits->n != growths[i].n_words)
			fail_msg("%s: got %u words from %u", growths[i].name,
				 set->bits->n, set->bits->first);
		for (uint32_t k = 0; k < N_NUMBERS; k++)
			assert_int_equal(ids[k].facts != NULL,
					 peer_set_has(set, k));
		for (size_t k = 0; k < n; k++)
			go(&ids[growths[i].numbers[k]]);
		peer_set_drop(&the_parts, &sets, set);
		pass_round();
		drop_leaf(&leaf);
	}
	drop_facts();
}

static size_t n_thrown(void)
{
	size_t n = 0;

	for (const struct part *p = the_parts.thrown; p; p = p->next)
		n++;
	return n;
}

/* Readers find the new bits of a published set at once, in the middle of a
   round: those are no less in use than the ones before. */
static void bits_stay_while_readers_may_have_come_to_them(void **state)
{
	struct leaf leaf = a_leaf(NULL, "", "shop");
	struct peer_set *set = get_new(&leaf);
	const struct peer_bits *read[3];
	struct random random = { 1 };

	(void)state;
	make_facts(&random);
	come_as((const uint32_t[]){ 5 }, 1);
	assert_null(end_round());
	read[0] = set->bits;
	come_as((const uint32_t[]){ 100 }, 1);
	read[1] = set->bits;
	come_as((const uint32_t[]){ 300 }, 1);
	read[2] = set->bits;
	assert_ptr_not_equal(read[0], read[1]);
	assert_ptr_not_equal(read[1], read[2]);
	assert_int_equal(1, n_thrown());
	for (size_t i = 0; i < 3; i++)
		assert_true(bits_have(read[i], 5));
	peer_set_drop(&the_parts, &sets, set);
	for (size_t k = 0; k < N_NUMBERS; k++) {
		if (ids[k].facts)
			go(&ids[k]);
	}
	pass_round();
	drop_leaf(&leaf);
	drop_facts();
}

/* In the round in which a set is made nobody reads it. */
static void bits_of_a_new_set_go_at_once(void **state)
{
	struct leaf leaf = a_leaf(NULL, "", "shop");
	struct peer_set *set = get_new(&leaf);
	struct random random = { 1 };

	(void)state;
	make_facts(&random);
	come_as((const uint32_t[]){ 5, 100, 300 }, 3);
	assert_int_equal(0, n_thrown());
	peer_set_drop(&the_parts, &sets, set);
	for (size_t k = 0; k < N_NUMBERS; k++) {
		if (ids[k].facts)
			go(&ids[k]);
	}
	assert_int_equal(0, n_thrown());
	drop_leaf(&leaf);
	drop_facts();
}

/* ---- unions ------------------------------------------------------------- */

static void a_union_keeps_its_members_and_they_keep_it_full(void **state)
{
	struct leaf a = a_leaf(NULL, "app in (a)", "shop");
	struct leaf b = a_leaf(NULL, "app in (b)", "shop");
	struct leaf c = a_leaf(NULL, "app in (c)", "shop");
	struct peer_set *members[3] = { get_new(&a), get_new(&b), get_new(&c) };
	struct peer_set *ab = peer_set_unite(&the_parts, members, 2), *abc;
	struct peer_set *outer[2] = { ab, members[2] };
	struct labels labels = some_labels("app=b");
	struct random random = { 1 };

	(void)state;
	make_facts(&random);
	abc = peer_set_unite(&the_parts, outer, 2);
	for (size_t i = 0; i < 3; i++)
		peer_set_drop(&the_parts, &sets, members[i]);
	peer_set_drop(&the_parts, &sets, ab);
	assert_int_equal(3, sets.n_sets);
	come(&ids[500], &facts[0], &labels);
	come(&ids[7], &facts[1], &labels);
	assert_true(peer_set_has(abc, 500));
	assert_true(peer_set_has(ab, 500));
	assert_false(peer_set_has(members[2], 500));
	assert_false(peer_set_has(abc, 7));
	go(&ids[500]);
	go(&ids[7]);
	assert_false(peer_set_has(abc, 500));
	peer_set_drop(&the_parts, &sets, abc);
	assert_int_equal(0, sets.n_sets);
	drop_leaf(&a);
	drop_leaf(&b);
	drop_leaf(&c);
	drop_facts();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_sets, free_sets)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_peers_are_one_set),
		TEST(what_cannot_be_evaluated_matches_nobody),
		TEST(a_set_grows_with_its_identities),
		TEST(bits_stay_while_readers_may_have_come_to_them),
		TEST(bits_of_a_new_set_go_at_once),
		TEST(a_union_keeps_its_members_and_they_keep_it_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
