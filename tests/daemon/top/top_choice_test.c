/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "top/top_choice.h"
#include "top/top_keys.h"

#define N_ROWS 30
#define N_SHOWN 10

/* What is typed, and what is chosen then. */
static const struct {
	const char *name, *typed;
	struct top_choice expected;
} cases[] = {
	{ "the views follow each other", "\x1b[C", { .view = TOP_DENIALS } },
	{ "round and round", "\t\t\t\t", { .view = TOP_DENIALS } },
	{ "and back", "\x1b[D", { .view = TOP_WOULD_DENIALS } },
	{ "they have numbers", "3", { .view = TOP_WOULD_DENIALS } },
	{ "a new view begins at its top", "jjj2", { .view = TOP_DENIALS } },
	{ "s changes the order", "s", { .sort = TOP_BY_COUNT } },
	{ "round and round, too", "ssss", { .sort = TOP_BY_COUNT } },
	{ "down is down", "\x1b[B\x1b[B\x1b[A", { .first = 1 } },
	{ "so is j, and k is up", "jjjk", { .first = 2 } },
	{ "no higher than the top", "\x1b[A", { .first = 0 } },
	{ "a page down", "\x1b[6~", { .first = N_SHOWN } },
	{ "a page up", "\x1b[6~\x1b[6~\x1b[5~", { .first = N_SHOWN } },
	{ "the end still fills the page",
	  "\x1b[F",
	  { .first = N_ROWS - N_SHOWN } },
	{ "and there it ends", "\x1b[F\x1b[B", { .first = N_ROWS - N_SHOWN } },
	{ "home is the top", "\x1b[F\x1b[H", { .first = 0 } },
	{ "p stands still", "p", { .is_paused = true } },
	{ "and goes on", "pp", { .is_paused = false } },
	{ "q ends it", "q", { .is_over = true } },
	{ "so does ^D", "\x04", { .is_over = true } },
	{ "/ begins a filter", "/q", { .filter = "q", .is_typing = true } },
	{ "enter ends it", "/web\r", { .filter = "web" } },
	{ "what is wrong is rubbed out",
	  "/wex\x7f"
	  "b\r",
	  { .filter = "web" } },
	{ "rubbing out ends with nothing",
	  "/\x7f\x7f"
	  "a\r",
	  { .filter = "a" } },
	{ "escape drops a filter", "/web\x1b", { .filter = "" } },
	{ "later, too", "/web\r\x1b", { .filter = "" } },
	{ "a new filter begins at the top", "jj/w\r", { .filter = "w" } },
	{ "arrows are not typed", "/\x1b[Aw\r", { .filter = "w" } },
	{ "^C ends it, in a filter, too",
	  "/\x03",
	  { .is_typing = true, .is_over = true } },
};

static void type(struct top_choice *choice, const char *typed)
{
	struct top_keys keys = { .n = 0 };
	struct top_key key;

	top_keys_feed(&keys, typed, strlen(typed));
	while (top_keys_next(&keys, true, &key))
		top_choice_press(choice, &key, N_ROWS, N_SHOWN);
}

static void keys_choose(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct top_choice *expected = &cases[i].expected;
		struct top_choice got = { .view = TOP_FLOWS };

		type(&got, cases[i].typed);
		if (got.view != expected->view || got.sort != expected->sort ||
		    got.first != expected->first ||
		    got.is_paused != expected->is_paused ||
		    got.is_over != expected->is_over ||
		    got.is_typing != expected->is_typing ||
		    strcmp(got.filter, expected->filter) != 0)
			fail_msg("%s: view %d, sort %d, first %zu, filter "
				 "'%s', typing %d, paused %d, over %d",
				 cases[i].name, got.view, got.sort, got.first,
				 got.filter, got.is_typing, got.is_paused,
				 got.is_over);
	}
}

static void a_filter_is_bounded_and_plain(void **state)
{
	struct top_choice choice = { .view = TOP_FLOWS };
	char text[2 * TOP_FILTER];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	top_choice_filter(&choice, text);
	assert_int_equal(TOP_FILTER - 1, strlen(choice.filter));
	top_choice_filter(&choice, "a\x1b[31m\xc3\xa4"
				   "b");
	assert_string_equal("a[31mb", choice.filter);
}

static void names_are_read_back(void **state)
{
	enum top_view view;
	enum top_sort sort;

	(void)state;
	for (int i = 0; i < N_TOP_VIEWS; i++) {
		assert_true(
			top_view_parse(top_view_name((enum top_view)i), &view));
		assert_int_equal(i, view);
	}
	for (int i = 0; i < N_TOP_SORTS; i++) {
		assert_true(
			top_sort_parse(top_sort_name((enum top_sort)i), &sort));
		assert_int_equal(i, sort);
	}
	assert_false(top_view_parse("Flows", &view));
	assert_false(top_sort_parse("", &sort));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_choose),
		cmocka_unit_test(a_filter_is_bounded_and_plain),
		cmocka_unit_test(names_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
