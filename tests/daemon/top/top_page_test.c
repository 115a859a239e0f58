/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is seen, at every size of a terminal.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "top/top_choice.h"
#include "top/top_numbers.h"
#include "top/top_page.h"
#include "top/top_rows.h"
#include "top/top_sample.h"

static const char status[] =
	"{\"netpold\": \"1.2.3\", \"node\": \"node-a\", \"generation\": 7,"
	" \"mode\": \"enforce\", \"source\": {\"kind\": \"manifests\"}}";

#define LONG "a-namespace-with-a-name/a-workload-with-a-name-that-is-long"
#define WHY "ingress: isolated by shop/deny-all, no rule matches"

static struct top_row items[] = {
	{ .from = "guests/cat",
	  .to = "shop/web",
	  .port = "8080/TCP",
	  .fate = "deny",
	  .why = WHY,
	  .last = "",
	  .rate = 1234.5,
	  .count = 98765,
	  .is_denied = true },
	{ .from = LONG,
	  .to = LONG,
	  .port = "ICMPv6",
	  .fate = "would deny",
	  .why = WHY,
	  .last = "",
	  .rate = 0.25,
	  .count = 1,
	  .would_be_denied = true },
	{ .from = "192.0.2.1",
	  .to = "shop/db",
	  .port = "65535/SCTP",
	  .fate = "allow",
	  .why = "not isolated",
	  .last = "",
	  .count = 3 },
};
#define N_ITEMS (sizeof(items) / sizeof(items[0]))

struct world {
	struct top_sample sample;
	struct top_numbers numbers;
	struct top_rows rows;
	struct top_choice choice;
	struct top_page page;
};

/* @n_rows  of the items, again and again */
static void make(struct world *world, size_t n_rows)
{
	*world = (struct world){ .sample = { .status = NULL } };
	world->sample.status = json_loads(status, 0, NULL);
	assert_non_null(world->sample.status);
	world->rows.items = calloc(n_rows + 1, sizeof(struct top_row));
	for (size_t i = 0; i < n_rows; i++)
		world->rows.items[i] = items[i % N_ITEMS];
	world->rows.n = world->rows.n_all = n_rows;
	world->numbers = (struct top_numbers){
		.judged = 1203.4,
		.allowed = 1100,
		.denied = 103,
		.kernel_allowed = NAN,
		.kernel_denied = NAN,
		.waiting = 3,
		.capacity = 1024,
		.median_s = 0.00002,
		.slow_s = 0.005,
	};
	world->page = (struct top_page){ .sample = &world->sample,
					 .numbers = &world->numbers,
					 .rows = &world->rows,
					 .choice = &world->choice,
					 .has_keys = true };
}

static void release(struct world *world)
{
	json_decref(world->sample.status);
	free(world->rows.items);
}

static char *text_of(const struct top_page *page)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	top_page_write(out, page);
	assert_int_equal(0, fclose(out));
	return text;
}

/* ---- every size ---------------------------------------------------------- */

static void check_size(const struct top_page *page)
{
	char *text = text_of(page), *rest = text, *line;
	size_t n = 0;

	while ((line = strsep(&rest, "\n")) && (rest || *line)) {
		n++;
		if (strlen(line) > page->width)
			fail_msg("%zu by %zu: line %zu is %zu long: '%s'",
				 page->width, page->height, n, strlen(line),
				 line);
		if (!rest)
			fail_msg("%zu by %zu: the last line has no end",
				 page->width, page->height);
	}
	if (n > page->height || (page->height > 5 && n != page->height))
		fail_msg("%zu by %zu: %zu lines", page->width, page->height, n);
	free(text);
}

static void a_page_fits_into_every_terminal(void **state)
{
	static const size_t n_rows[] = { 0, 1, 3, 100 };
	static const size_t heights[] = { 1, 2, 3, 4, 5, 6, 7, 10, 24, 80 };

	(void)state;
	for (size_t i = 0; i < sizeof(n_rows) / sizeof(n_rows[0]); i++) {
		struct world world;

		make(&world, n_rows[i]);
		top_choice_filter(&world.choice, "a filter of some length");
		for (size_t k = 0; k < sizeof(heights) / sizeof(heights[0]);
		     k++) {
			world.page.height = heights[k];
			for (size_t width = 1; width <= 220; width++) {
				world.page.width = width;
				check_size(&world.page);
			}
		}
		release(&world);
	}
}

/* ---- what is in it ------------------------------------------------------- */

/* From this width on there is room for it. */
static const struct {
	const char *words;
	size_t first, last; /* widths at which it is looked for */
	bool is_there;
} columns[] = {
	{ "FROM", 20, 200, true },	    { "TO", 20, 200, true },
	{ "PORT", 20, 30, false },	    { "PORT", 40, 200, true },
	{ "RATE/s", 20, 40, false },	    { "RATE/s", 50, 200, true },
	{ "VERDICT", 20, 50, false },	    { "VERDICT", 62, 200, true },
	{ "COUNT", 20, 60, false },	    { "COUNT", 69, 200, true },
	{ "WHY", 20, 80, false },	    { "WHY", 92, 200, true },
	{ "netpold 1.2.3", 20, 200, true },
};

static void columns_come_with_room(void **state)
{
	struct world world;

	(void)state;
	make(&world, N_ITEMS);
	world.page.height = 24;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		for (size_t width = columns[i].first; width <= columns[i].last;
		     width++) {
			char *text;

			world.page.width = width;
			text = text_of(&world.page);
			if (!strstr(text, columns[i].words) ==
			    columns[i].is_there)
				fail_msg("%zu wide, %s is %sthere:\n%s", width,
					 columns[i].words,
					 columns[i].is_there ? "not " : "",
					 text);
			free(text);
		}
	}
	release(&world);
}

/* Lines that are in a page, whatever else is. */
static const struct {
	const char *name;
	size_t width; /* 0: as wide as it takes */
	const char *line;
} lines[] = {
	{ "without a width nothing is cut", 0,
	  "192.0.2.1                                                    "
	  "shop/db                                                      "
	  "65535/SCTP  allow          0.0      3  not isolated" },
	{ "the numbers are in the second line", 0,
	  "judged 1203/s  allowed 1100/s  denied 103/s  queue 3 of 1024  "
	  "half < 20 us  99 % < 5 ms" },
	{ "the view that is shown is marked", 0,
	  "[flows] denials would-denials  by rate  3 of 3 rows" },
	{ "a name that is too long is cut", 20, "a-namesp~  a-namesp~" },
	{ "one that fits is whole", 20, "192.0.2.1  shop/db" },
	{ "numbers stand at the right", 80,
	  "guests/cat           shop/web           "
	  "   8080/TCP    deny          1234  98765" },
};

static void a_line_says_so(void **state)
{
	struct world world;

	(void)state;
	make(&world, N_ITEMS);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *text, *rest, *line;
		bool found = false;

		world.page.width = lines[i].width;
		text = text_of(&world.page);
		for (rest = strdup(text), line = rest; rest && !found;)
			found = strcmp(strsep(&rest, "\n"), lines[i].line) == 0;
		if (!found)
			fail_msg("%s: no line is\n%s\nof\n%s", lines[i].name,
				 lines[i].line, text);
		free(line);
		free(text);
	}
	release(&world);
}

static void expect(const struct top_page *page, const char *words)
{
	char *text = text_of(page);

	if (!strstr(text, words))
		fail_msg("'%s' is not in\n%s", words, text);
	free(text);
}

static void what_is_chosen_is_told(void **state)
{
	struct world world;

	(void)state;
	make(&world, 40);
	world.page.width = 100;
	world.page.height = 24;
	world.choice.view = TOP_DENIALS;
	world.choice.is_paused = true;
	world.choice.sort = TOP_BY_COUNT;
	world.choice.first = 4;
	expect(&world.page, "flows [denials] would-denials");
	expect(&world.page, "PAUSED");
	expect(&world.page, "by count");
	expect(&world.page, "from 5");
	top_choice_filter(&world.choice, "web");
	expect(&world.page, "filter: web  ");
	world.choice.is_typing = true;
	expect(&world.page, "filter: web_  ");
	release(&world);
}

static void trouble_is_told(void **state)
{
	struct world world;

	(void)state;
	make(&world, 0);
	expect(&world.page, "(nothing was judged yet)");
	world.rows.n_all = 7;
	expect(&world.page, "(nothing of that kind)");
	world.numbers.dropped = 12;
	world.numbers.overruns = 13;
	world.numbers.copies_lost = 14;
	world.numbers.lost = 15;
	world.numbers.unnamed = 16;
	world.numbers.slow_s = INFINITY;
	expect(&world.page, "DROPPED 12  OVERRUNS 13  COPIES LOST 14");
	expect(&world.page, "99 %: very long");
	expect(&world.page, "lost 15  not told 16");
	world.page.trouble = "no netpold\x1b[31m answers";
	expect(&world.page, "no netpold?[31m answers\n");
	release(&world);
}

static void colours_are_for_who_wants_them(void **state)
{
	struct world world;
	char *text;

	(void)state;
	make(&world, N_ITEMS);
	text = text_of(&world.page);
	assert_null(strchr(text, '\x1b'));
	free(text);
	world.page.has_colours = true;
	expect(&world.page, "\x1b[31mguests/cat");
	expect(&world.page, "\x1b[33m" LONG);
	expect(&world.page, "\n192.0.2.1");
	release(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_fits_into_every_terminal),
		cmocka_unit_test(columns_come_with_room),
		cmocka_unit_test(a_line_says_so),
		cmocka_unit_test(what_is_chosen_is_told),
		cmocka_unit_test(trouble_is_told),
		cmocka_unit_test(colours_are_for_who_wants_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
