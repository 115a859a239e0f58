/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/lines.h"

/* A text that comes in pieces of one size, and may end in an error. */
struct feed {
	const char *text;
	size_t len;
	size_t piece;
	int error;
};

static long feed_read(void *ctx, char *buf, size_t size)
{
	struct feed *feed = ctx;
	size_t n = feed->len < feed->piece ? feed->len : feed->piece;

	if (n > size)
		n = size;
	if (n == 0)
		return feed->error;
	memcpy(buf, feed->text, n);
	feed->text += n;
	feed->len -= n;
	return (long)n;
}

static void expect_line(struct lines *lines, size_t number, const char *text)
{
	struct line line;

	assert_int_equal(LINES_LINE, lines_next(lines, &line));
	assert_int_equal(number, line.number);
	assert_int_equal(strlen(text), line.len);
	assert_memory_equal(text, line.text, line.len);
}

static void lines_are_the_same_in_any_pieces(void **state)
{
	static const char text[] = "one\n\n three \r\nfour";

	(void)state;
	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		struct feed feed = { text, strlen(text), piece, 0 };
		struct lines *lines = lines_new(feed_read, &feed);
		struct line line;

		expect_line(lines, 1, "one");
		expect_line(lines, 2, "");
		expect_line(lines, 3, " three \r");
		expect_line(lines, 4, "four");
		assert_int_equal(LINES_END, lines_next(lines, &line));
		assert_int_equal(LINES_END, lines_next(lines, &line));
		lines_free(lines);
	}
}

static void a_newline_at_the_end_begins_no_line(void **state)
{
	struct feed feed = { "one\n", 4, 4, 0 };
	struct lines *lines = lines_new(feed_read, &feed);
	struct line line;

	(void)state;
	expect_line(lines, 1, "one");
	assert_int_equal(LINES_END, lines_next(lines, &line));
	lines_free(lines);
}

/* Lines of these lengths, the first of which is the one in question. */
static void expect_length(size_t len, size_t piece, enum lines_status status)
{
	size_t size = len + sizeof("\nafter");
	char *text = malloc(size);
	struct feed feed = { text, size - 1, piece, 0 };
	struct lines *lines = lines_new(feed_read, &feed);
	struct line line;

	memset(text, 'x', len);
	strcpy(text + len, "\nafter");
	assert_int_equal(status, lines_next(lines, &line));
	assert_int_equal(1, line.number);
	if (status == LINES_LINE)
		assert_int_equal(len, line.len);
	expect_line(lines, 2, "after");
	assert_int_equal(LINES_END, lines_next(lines, &line));
	lines_free(lines);
	free(text);
}

static void what_is_too_long_is_told_once_and_passed_over(void **state)
{
	static const size_t pieces[] = { 100, LINES_MAX, LINES_MAX + 1,
					 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		expect_length(LINES_MAX, pieces[i], LINES_LINE);
		expect_length(LINES_MAX + 1, pieces[i], LINES_TOO_LONG);
		expect_length(LINES_MAX * 20, pieces[i], LINES_TOO_LONG);
	}
}

static void a_last_line_can_be_too_long_as_well(void **state)
{
	static char text[LINES_MAX * 20];
	struct feed feed = { text, sizeof(text), 1000, 0 };
	struct lines *lines = lines_new(feed_read, &feed);
	struct line line;

	(void)state;
	assert_int_equal(LINES_TOO_LONG, lines_next(lines, &line));
	assert_int_equal(LINES_END, lines_next(lines, &line));
	lines_free(lines);
}

static void it_is_known_whether_a_line_waits(void **state)
{
	struct feed feed = { "one\ntwo\nthr", 11, 11, 0 };
	struct lines *lines = lines_new(feed_read, &feed);

	(void)state;
	assert_false(lines_has_next(lines));
	expect_line(lines, 1, "one");
	assert_true(lines_has_next(lines));
	expect_line(lines, 2, "two");
	assert_false(lines_has_next(lines));
	expect_line(lines, 3, "thr");
	assert_true(lines_has_next(lines)); /* its end does not wait */
	lines_free(lines);
}

static void an_error_is_passed_on(void **state)
{
	struct feed feed = { "one\ntwo", 7, 7, -EIO };
	struct lines *lines = lines_new(feed_read, &feed);
	struct line line;

	(void)state;
	expect_line(lines, 1, "one");
	assert_int_equal(-EIO, lines_next(lines, &line));
	lines_free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_same_in_any_pieces),
		cmocka_unit_test(a_newline_at_the_end_begins_no_line),
		cmocka_unit_test(what_is_too_long_is_told_once_and_passed_over),
		cmocka_unit_test(a_last_line_can_be_too_long_as_well),
		cmocka_unit_test(it_is_known_whether_a_line_waits),
		cmocka_unit_test(an_error_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
