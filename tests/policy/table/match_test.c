/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What labels match is policy/selector.c's to say. Here strings are compared by
 * their pointers, and the answer has to be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "netpold/selector.h"

#include "table/match.h"

#include "parts_build.h"
#include "random_objects.h"

static void pointers_say_what_text_says(void **state)
{
	struct random random = { a_seed() };
	size_t n_yes = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct labels labels = random_labels(&random, &build_arena);
		struct selector s = random_selector(&random, &build_arena);
		struct labels kept = keep_labels(&labels);
		struct selector kept_s = keep_selector(&s);
		bool expected = selector_matches(&s, &labels);
		char text[256];

		selector_format(&s, text, sizeof(text));
		if (selector_is_evaluable(&s) &&
		    match_labels(&kept_s, &kept) != expected)
			fail_msg("%s: expected %d", text, expected);
		n_yes += expected;
		selector_drop(the_parts.pool, &kept_s);
		intern_labels_drop(the_parts.pool, &kept);
	}
	assert_in_range(n_yes, 4000, 16000);
}

/* ---- namespaces --------------------------------------------------------- */

#define NAME NAMESPACE_NAME_LABEL

/* labels NULL: of this one, shop, no object was seen. */
static const struct {
	const char *name, *labels, *selector;
	bool matches;
} cases[] = {
	{ "NP-42: the name is known without the object", NULL,
	  NAME " in (shop)", true },
	{ "NP-42: and is no other", NULL, NAME " in (far)", false },
	{ "NP-42: NotIn of another name holds", NULL, NAME " notin (far)",
	  true },
	{ "NP-42: NotIn of its name does not", NULL, NAME " notin (shop)",
	  false },
	{ "NP-42: that it has a name is known", NULL, NAME " exists", true },
	{ "NP-42: so DoesNotExist does not hold", NULL, NAME " absent", false },
	{ "NP-42: of other keys nothing is known, not even NotIn", NULL,
	  "team notin (a)", false },
	{ "NP-42: nor DoesNotExist", NULL, "team absent", false },
	{ "NP-42: not even beside what holds", NULL,
	  NAME " in (shop);team absent", false },
	{ "a known namespace is its labels", "team=a", "team in (a)", true },
	{ "of a known one, what it lacks is known", "team=a", "env absent",
	  true },
	{ "one without any label lacks everything", "", "team absent", true },
	{ "its name among them", "", NAME " exists", false },
};

static void a_namespace_matches_by_what_is_known(void **state)
{
	const struct selector everything = { 0 };

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct selector written = selector_of(cases[i].selector);
		struct selector selector = keep_selector(&written);
		struct labels text = some_labels(
			cases[i].labels ? cases[i].labels : NAME "=shop");
		struct namespace_facts facts = {
			.name = intern(the_parts.pool, "shop"),
			.labels = keep_labels(&text),
			.known = cases[i].labels != NULL,
		};

		if (match_namespace(&selector, &facts) != cases[i].matches)
			fail_msg("%s: expected %d", cases[i].name,
				 cases[i].matches);
		assert_true(match_namespace(&everything, &facts));
		selector_drop(the_parts.pool, &selector);
		intern_labels_drop(the_parts.pool, &facts.labels);
		intern_drop(the_parts.pool, facts.name);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_parts, free_parts)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pointers_say_what_text_says),
		TEST(a_namespace_matches_by_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
