/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The twin is a list of things with their spaces and selectors. Labels have to
 * lead to everything in their space that matches, by selector_matches(); and of
 * the rest to nothing that could have been told by its lead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "netpold/selector.h"

#include "table/label_index.h"

#include "parts_build.h"
#include "random_objects.h"

#define N_THINGS 300

struct thing {
	const void *space;
	struct selector selector;
	bool entered;
	size_t n_visits;
};

static const char spaces[12];

/* ---- the twin ----------------------------------------------------------- */

/* What labels have to meet so that the index leads to a selector: the `In` of
   the fewest values, or else an `Exists`. */
static bool leads_to(const struct labels *labels,
		     const struct selector *selector)
{
	const struct requirement *in = NULL;
	bool exists = false, met = false;

	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		if (r->op == SELECTOR_IN && (!in || r->n_values < in->n_values))
			in = r;
		if (r->op == SELECTOR_EXISTS) {
			exists = true;
			met |= labels_get(labels, r->key) != NULL;
		}
	}
	if (in)
		return requirement_matches(in, labels);
	return exists ? met : true;
}

static bool can_lead(const struct selector *selector)
{
	for (size_t i = 0; i < selector->n; i++) {
		enum selector_operator op = selector->requirements[i].op;

		if (op == SELECTOR_IN || op == SELECTOR_EXISTS)
			return true;
	}
	return false;
}

static int count_visit(void *ctx, void *thing)
{
	(void)ctx;
	((struct thing *)thing)->n_visits++;
	return 0;
}

static void compare(const struct label_index *index, struct thing *things,
		    const void *space, const struct labels *labels)
{
	for (size_t i = 0; i < N_THINGS; i++)
		things[i].n_visits = 0;
	assert_int_equal(
		0, label_index_each(index, space, labels, count_visit, NULL));
	for (size_t i = 0; i < N_THINGS; i++) {
		const struct thing *t = &things[i];
		char text[256];

		if (t->n_visits > 0 && (!t->entered || t->space != space))
			fail_msg("thing %zu is not there, and visited", i);
		if (!t->entered || t->space != space)
			continue;
		selector_format(&t->selector, text, sizeof(text));
		if (t->n_visits == 0 && selector_matches(&t->selector, labels))
			fail_msg("%s matches, and is not visited", text);
		if (t->n_visits > 0 && !leads_to(labels, &t->selector))
			fail_msg("%s cannot match, and is visited", text);
		if (t->n_visits == 0 && !can_lead(&t->selector))
			fail_msg("%s has no lead, and is not visited", text);
	}
}

/* ---- random contents ---------------------------------------------------- */

static void toggle(struct label_index *index, struct thing *thing)
{
	if (thing->entered)
		label_index_remove(&the_parts, index, thing->space,
				   &thing->selector, thing);
	else
		assert_int_equal(0, label_index_add(&the_parts, index,
						    thing->space,
						    &thing->selector, thing));
	thing->entered = !thing->entered;
}

static void labels_lead_to_all_that_may_match(void **state)
{
	static struct thing things[N_THINGS];
	struct random random = { a_seed() };
	struct label_index index = { 0 };

	(void)state;
	for (size_t i = 0; i < N_THINGS; i++) {
		struct selector selector =
			random_selector(&random, &build_arena);

		things[i] = (struct thing){
			.space = &random_pick(&random, spaces),
			.selector = keep_selector(&selector),
		};
		assert_int_equal(can_lead(&things[i].selector),
				 label_index_can_lead_to(&things[i].selector));
	}
	for (int round = 0; round < PLAIN_OR_SANITIZED(4000, 800); round++) {
		struct labels labels = random_labels(&random, &build_arena);
		struct labels kept = keep_labels(&labels);

		for (size_t n = random_below(&random, 12); n > 0; n--)
			toggle(&index, &random_pick(&random, things));
		compare(&index, things, &random_pick(&random, spaces), &kept);
		intern_labels_drop(the_parts.pool, &kept);
	}
	for (size_t i = 0; i < N_THINGS; i++) {
		if (things[i].entered)
			toggle(&index, &things[i]);
	}
	/* What is left is buckets. */
	assert_int_equal(0, index.n_entries);
	assert_int_equal(index.n_buckets * sizeof(void *), bytes_in_use());
	label_index_release(&the_parts, &index);
	for (size_t i = 0; i < N_THINGS; i++)
		selector_drop(the_parts.pool, &things[i].selector);
}

/* ---- one fact per row --------------------------------------------------- */

static const struct {
	const char *name, *selector, *labels;
	size_t n_visits;
} cases[] = {
	{ "the empty selector is always looked at", "", "", 1 },
	{ "NotIn alone is always looked at", "app notin (a)", "app=a", 1 },
	{ "In is looked at for each of its values", "app in (a,b)",
	  "app=b,tier=c", 1 },
	{ "In is not for another value", "app in (a)", "app=b", 0 },
	{ "nor for the value of another key", "app in (a)", "tier=a", 0 },
	{ "a value named twice is entered twice", "app in (a,a)", "app=a", 2 },
	{ "In without values is never looked at", "app in ()", "app=a", 0 },
	{ "an empty value is a value", "app in ('')", "app=", 1 },
	{ "Exists is looked at for any value", "app exists", "app=z", 1 },
	{ "and not without the key", "app exists", "tier=a", 0 },
	{ "In leads before Exists", "app exists;tier in (a)", "app=a", 0 },
	{ "the In of fewer values leads", "app in (a,b);tier in (a)", "app=a",
	  0 },
	{ "wherever it stands", "tier in (a);app in (a,b)", "tier=a", 1 },
};

static void each_lead_is_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct label_index index = { 0 };
		struct selector written = selector_of(cases[i].selector);
		struct selector selector = keep_selector(&written);
		struct labels text = some_labels(cases[i].labels);
		struct labels labels = keep_labels(&text);
		struct thing thing = { 0 };

		/* An index of nothing leads nowhere. */
		label_index_each(&index, spaces, &labels, count_visit, NULL);
		label_index_add(&the_parts, &index, spaces, &selector, &thing);
		label_index_each(&index, spaces, &labels, count_visit, NULL);
		if (thing.n_visits != cases[i].n_visits)
			fail_msg("%s: expected %zu visits, got %zu",
				 cases[i].name, cases[i].n_visits,
				 thing.n_visits);
		/* What is entered when all of it ends goes with it. */
		label_index_release(&the_parts, &index);
		assert_int_equal(0, bytes_in_use());
		selector_drop(the_parts.pool, &selector);
		intern_labels_drop(the_parts.pool, &labels);
	}
}

static int stop(void *ctx, void *thing)
{
	(void)thing;
	++*(size_t *)ctx;
	return 42;
}

static void a_walk_ends_where_it_is_told_to(void **state)
{
	static const char *const leads[] = { "app in (a)", "app exists",
					     "tier notin (z)" };
	struct labels text = some_labels("app=a"), labels = keep_labels(&text);

	(void)state;
	for (size_t i = 0; i < N_OF(leads); i++) {
		struct selector written = selector_of(leads[i]);
		struct selector selector = keep_selector(&written);
		struct label_index index = { 0 };
		struct thing things[2] = { 0 };
		size_t n = 0;

		for (size_t k = 0; k < 2; k++)
			label_index_add(&the_parts, &index, spaces, &selector,
					&things[k]);
		assert_int_equal(42, label_index_each(&index, spaces, &labels,
						      stop, &n));
		assert_int_equal(1, n);
		label_index_release(&the_parts, &index);
		selector_drop(the_parts.pool, &selector);
	}
	intern_labels_drop(the_parts.pool, &labels);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_parts, free_parts)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(labels_lead_to_all_that_may_match),
		TEST(each_lead_is_what_the_table_says),
		TEST(a_walk_ends_where_it_is_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
