/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/selector.h"

#define VALUES(...)                                                            \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

/* One requirement against one label, or against none where key is NULL. */
static const struct {
	const char *name;
	const char *key;
	enum selector_operator op;
	const char *values[2];
	size_t n_values;
	const char *label_key, *label_value;
	bool matches;
} cases[] = {
	{ "NP-26: In holds for a listed value", "a", SELECTOR_IN,
	  VALUES("1", "2"), 2, "a", "1", true },
	{ "NP-26: In fails for another value", "a", SELECTOR_IN, VALUES("2"), 1,
	  "a", "1", false },
	{ "NP-23: In needs the key to be there", "b", SELECTOR_IN, VALUES("1"),
	  1, "a", "1", false },
	{ "NP-24: In with an empty value matches an empty value only", "a",
	  SELECTOR_IN, VALUES(""), 1, "a", "", true },
	{ "NP-26: absent is not empty", "b", SELECTOR_IN, VALUES(""), 1, "a",
	  "1", false },
	{ "NP-26: NotIn fails for a listed value", "a", SELECTOR_NOT_IN,
	  VALUES("1"), 1, "a", "1", false },
	{ "NP-26: NotIn holds for another value", "a", SELECTOR_NOT_IN,
	  VALUES("2"), 1, "a", "1", true },
	{ "NP-23: NotIn matches without the key", "b", SELECTOR_NOT_IN,
	  VALUES("1"), 1, "a", "1", true },
	{ "NP-23: Exists holds with the key", "a", SELECTOR_EXISTS, VALUES(""),
	  0, "a", "1", true },
	{ "NP-23: Exists accepts an empty value", "a", SELECTOR_EXISTS,
	  VALUES(""), 0, "a", "", true },
	{ "NP-23: Exists fails without the key", "b", SELECTOR_EXISTS,
	  VALUES(""), 0, "a", "1", false },
	{ "NP-23: DoesNotExist fails with the key", "a",
	  SELECTOR_DOES_NOT_EXIST, VALUES(""), 0, "a", "1", false },
	{ "NP-23: DoesNotExist holds without the key", "b",
	  SELECTOR_DOES_NOT_EXIST, VALUES(""), 0, "a", "1", true },
	{ "NP-22: keys are compared byte for byte", "A", SELECTOR_IN,
	  VALUES("1"), 1, "a", "1", false },
	{ "NP-22: values are compared byte for byte", "a", SELECTOR_IN,
	  VALUES("X"), 1, "a", "x", false },
	{ "NP-24: doubled values are harmless", "a", SELECTOR_IN,
	  VALUES("1", "1"), 2, "a", "1", true },
	{ "NP-25: In without values cannot be evaluated", "a", SELECTOR_IN,
	  VALUES(""), 0, "a", "1", false },
	{ "NP-25: NotIn without values cannot be evaluated", "b",
	  SELECTOR_NOT_IN, VALUES(""), 0, "a", "1", false },
	{ "NP-25: Exists with values cannot be evaluated", "a", SELECTOR_EXISTS,
	  VALUES("1"), 1, "a", "1", false },
	{ "NP-25: DoesNotExist with values cannot be evaluated", "b",
	  SELECTOR_DOES_NOT_EXIST, VALUES("1"), 1, "a", "1", false },
	{ "NP-25: an unknown operator cannot be evaluated", "a",
	  SELECTOR_UNKNOWN, VALUES("1"), 1, "a", "1", false },
};

static void requirements_match_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct requirement requirement = { cases[i].key, cases[i].op,
						   cases[i].values,
						   cases[i].n_values };
		struct selector selector = { &requirement, 1 };
		struct label label = { cases[i].label_key,
				       cases[i].label_value };
		struct labels labels = { &label, 1 };

		if (selector_matches(&selector, &labels) != cases[i].matches)
			fail_msg("%s: expected %d", cases[i].name,
				 cases[i].matches);
	}
}

static void an_empty_selector_matches_everything(void **state)
{
	struct label label = { "app", "db" };
	struct labels some = { &label, 1 }, none = { NULL, 0 };
	struct selector all = { NULL, 0 };

	(void)state;
	assert_true(selector_matches(&all, &some));
	assert_true(selector_matches(&all, &none));
	assert_true(selector_is_evaluable(&all));
}

static void all_requirements_have_to_hold(void **state)
{
	const char *const one[] = { "1" };
	struct requirement both[] = {
		{ "a", SELECTOR_IN, one, 1 },
		{ "b", SELECTOR_EXISTS, NULL, 0 },
	};
	struct selector selector = { both, 2 };
	struct label ab[] = { { "a", "1" }, { "b", "" } };
	struct labels a_only = { ab, 1 }, a_and_b = { ab, 2 };

	(void)state;
	assert_false(selector_matches(&selector, &a_only));
	assert_true(selector_matches(&selector, &a_and_b));
}

static void labels_are_found_among_many(void **state)
{
	struct label many[] = { { "a", "1" },
				{ "app", "2" },
				{ "b", "3" },
				{ "tier", "4" },
				{ "z", "5" } };
	struct labels labels = { many, 5 };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(many[i].value,
				    labels_get(&labels, many[i].key));
	assert_null(labels_get(&labels, "ap"));
	assert_null(labels_get(&labels, "zz"));
	assert_null(labels_get(&labels, ""));
}

static void a_selector_reads_as_kubectl_writes_it(void **state)
{
	const char *const ab[] = { "a", "b" };
	struct requirement all[] = {
		{ "app", SELECTOR_IN, ab, 1 },
		{ "tier", SELECTOR_IN, ab, 2 },
		{ "env", SELECTOR_NOT_IN, ab, 1 },
		{ "x", SELECTOR_EXISTS, NULL, 0 },
		{ "y", SELECTOR_DOES_NOT_EXIST, NULL, 0 },
	};
	struct selector selector = { all, 5 }, empty = { NULL, 0 };
	char text[64], cut[8];

	(void)state;
	selector_format(&selector, text, sizeof(text));
	assert_string_equal("app=a,tier in (a,b),env notin (a),x,!y", text);
	assert_int_equal(strlen(text),
			 selector_format(&selector, cut, sizeof(cut)));
	assert_string_equal("app=a,t", cut);
	selector_format(&empty, text, sizeof(text));
	assert_string_equal("<all>", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requirements_match_as_the_table_says),
		cmocka_unit_test(an_empty_selector_matches_everything),
		cmocka_unit_test(all_requirements_have_to_hold),
		cmocka_unit_test(labels_are_found_among_many),
		cmocka_unit_test(a_selector_reads_as_kubectl_writes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
