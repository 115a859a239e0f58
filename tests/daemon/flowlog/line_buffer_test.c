/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flowlog/line_buffer.h"

#define SIZE 16

static struct line_buffer buffer;

static int make_buffer(void **state)
{
	(void)state;
	return line_buffer_init(&buffer, SIZE);
}

static int release_buffer(void **state)
{
	(void)state;
	line_buffer_release(&buffer);
	return 0;
}

static bool add(const char *line, uint64_t first, uint64_t repeats)
{
	const struct line_tally tally = { first, repeats };

	return line_buffer_add(&buffer, line, strlen(line), &tally);
}

static void expect_waiting(size_t max, const char *expected)
{
	size_t len;
	const char *data = line_buffer_peek(&buffer, max, &len);

	assert_int_equal(strlen(expected), len);
	assert_memory_equal(expected, data, len);
}

static void a_line_counts_when_its_last_byte_is_out(void **state)
{
	struct line_tally told = { 0 };

	(void)state;
	assert_true(add("one\n", 1, 0));
	assert_true(add("two\n", 0, 7));
	line_buffer_sent(&buffer, 3, &told);
	assert_int_equal(0, told.first);
	assert_true(buffer.is_cut);
	line_buffer_sent(&buffer, 1, &told);
	assert_int_equal(1, told.first);
	assert_false(buffer.is_cut);
	line_buffer_sent(&buffer, 4, &told);
	assert_int_equal(1, told.first);
	assert_int_equal(7, told.repeats);
	expect_waiting(SIZE, "");
}

static void only_whole_lines_are_shown(void **state)
{
	(void)state;
	assert_true(add("one\n", 1, 0));
	assert_true(add("two\n", 1, 0));
	expect_waiting(8, "one\ntwo\n");
	expect_waiting(7, "one\n");
	/* But one is, however long. */
	expect_waiting(0, "one\n");
}

static void what_finds_no_room_is_refused_whole(void **state)
{
	struct line_tally told = { 0 };

	(void)state;
	assert_true(add("0123456789\n", 1, 0));
	assert_false(add("abcdef\n", 1, 0));
	assert_true(add("ab\n", 1, 0));
	expect_waiting(SIZE, "0123456789\nab\n");
	/* What is out makes room. */
	line_buffer_sent(&buffer, 11, &told);
	assert_true(add("abcdef\n", 1, 0));
	expect_waiting(SIZE, "ab\nabcdef\n");
	line_buffer_sent(&buffer, 10, &told);
	assert_int_equal(3, told.first);
}

static void what_is_dropped_is_lost_with_what_was_cut(void **state)
{
	struct line_tally told = { 0 }, lost = { 0 };

	(void)state;
	assert_true(add("one\n", 1, 0));
	assert_true(add("two\n", 0, 7));
	line_buffer_sent(&buffer, 2, &told);
	line_buffer_drop(&buffer, &lost);
	assert_int_equal(0, told.first + told.repeats);
	assert_int_equal(1, lost.first);
	assert_int_equal(7, lost.repeats);
	expect_waiting(SIZE, "");
	assert_true(add("0123456789abcde\n", 1, 0));
}

#define BUFFER_TEST(test)                                                      \
	cmocka_unit_test_setup_teardown(test, make_buffer, release_buffer)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BUFFER_TEST(a_line_counts_when_its_last_byte_is_out),
		BUFFER_TEST(only_whole_lines_are_shown),
		BUFFER_TEST(what_finds_no_room_is_refused_whole),
		BUFFER_TEST(what_is_dropped_is_lost_with_what_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
