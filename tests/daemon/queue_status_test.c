/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/queue_status.h"

static const struct {
	const char *name, *line;
	bool is_one;
	uint16_t number;
	uint32_t waiting, dropped, user_dropped, last_id;
} lines[] = {
	{ "a line as the kernel writes it",
	  "17000  41234     3 2   512     4     7       81  1\n", true, 17000,
	  3, 4, 7, 81 },
	{ "columns may be wider",
	  "    1 4294967295 1024 2 65531 4294967295 4294967295 4294967295  1\n",
	  true, 1, 1024, UINT32_MAX, UINT32_MAX, UINT32_MAX },
	{ "the end of the file may be its end", "0 1 2 2 512 5 6 7 1", true, 0,
	  2, 5, 6, 7 },
	{ "columns may come after those that are known",
	  "0 1 2 2 512 5 6 7 1 99\n", true, 0, 2, 5, 6, 7 },
	{ .name = "an empty line is none", .line = "\n" },
	{ .name = "a column less is none", .line = "17000 41234 3 2 512 4\n" },
	{ .name = "a word is no number",
	  .line = "17000 41234 3 2 512 four 7 81 1\n" },
	{ .name = "a number with a sign is none",
	  .line = "17000 41234 -3 2 512 4 7 81 1\n" },
	{ .name = "what sticks to a number is not passed over",
	  .line = "17000 41234 3x 2 512 4 7 81 1\n" },
	{ .name = "a queue's number has 16 bits",
	  .line = "65536 1 0 2 512 0 0 0 1\n" },
	{ .name = "a count has 32 bits",
	  .line = "1 1 4294967296 2 512 0 0 0 1\n" },
};

static void lines_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct queue_status got = { 0 };
		uint16_t number = 0;
		bool is_one = queue_status_parse(lines[i].line, &number, &got);

		if (is_one != lines[i].is_one || got.known != is_one ||
		    number != lines[i].number ||
		    got.waiting != lines[i].waiting ||
		    got.dropped != lines[i].dropped ||
		    got.user_dropped != lines[i].user_dropped ||
		    got.last_id != lines[i].last_id)
			fail_msg("%s: got %d, queue %u, %u waiting, %u and %u "
				 "dropped, %u the last",
				 lines[i].name, is_one, number, got.waiting,
				 got.dropped, got.user_dropped, got.last_id);
	}
}

/* Read a list of this text. */
static int read_list(const char *text, uint16_t base,
		     struct queue_status *queues, size_t n)
{
	char path[] = "/tmp/netpold-queues-XXXXXX";
	int fd = mkstemp(path), r;
	FILE *file;

	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	r = queue_status_read(path, base, queues, n);
	unlink(path);
	return r;
}

static void queues_of_others_are_passed_over(void **state)
{
	struct queue_status queues[3] = { { .waiting = 99 } };

	(void)state;
	assert_int_equal(0, read_list("    7 1 70 2 512 0 0 0 1\n"
				      "16999 1 69 2 512 0 0 0 1\n"
				      "17000 1 5 2 512 1 2 0 1\n"
				      "17002 1 6 2 512 3 4 0 1\n"
				      "17003 1 73 2 512 0 0 0 1\n",
				      17000, queues, 3));
	assert_true(queues[0].known);
	assert_int_equal(5, queues[0].waiting);
	assert_false(queues[1].known);
	assert_int_equal(0, queues[1].waiting);
	assert_int_equal(6, queues[2].waiting);
	assert_int_equal(3, queues[2].dropped);
	assert_int_equal(4, queues[2].user_dropped);
}

static void rubbish_hides_no_queue(void **state)
{
	struct queue_status queue;
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text), "%01000d\n17000 1 5 2 512 1 2 0 1\n", 0);
	assert_int_equal(0, read_list(text, 17000, &queue, 1));
	assert_true(queue.known);
}

static void where_there_is_no_list_nothing_is_known(void **state)
{
	struct queue_status queue = { .known = true };

	(void)state;
	assert_true(queue_status_read("/nowhere/queues", 0, &queue, 1) < 0);
	assert_false(queue.known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(queues_of_others_are_passed_over),
		cmocka_unit_test(rubbish_hides_no_queue),
		cmocka_unit_test(where_there_is_no_list_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
