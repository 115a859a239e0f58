/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "observe/status.h"
#include "observe/status_board.h"

/* 2024-02-29T12:34:56.789Z */
#define WHEN_US INT64_C(1709210096789123)

static const char *text_at(const json_t *json, const char *object,
			   const char *key)
{
	if (object)
		json = json_object_get(json, object);
	return json_string_value(json_object_get(json, key));
}

static void times_are_told_in_milliseconds_utc(void **state)
{
	const struct status status = {
		.started_us = WHEN_US,
		.generation = 3,
		.in_force_since_us = WHEN_US + 1000,
		.change = { .received_us = 1, .published_us = 999 },
	};
	json_t *json = status_to_json(&status);

	(void)state;
	assert_string_equal("2024-02-29T12:34:56.789Z",
			    text_at(json, NULL, "started_at"));
	assert_string_equal("2024-02-29T12:34:56.790Z",
			    text_at(json, NULL, "in_force_since"));
	assert_string_equal("1970-01-01T00:00:00.000Z",
			    text_at(json, "last_change", "received_at"));
	assert_null(text_at(json, "last_change", "in_force_at"));
	json_decref(json);
}

static void what_is_not_is_not_told(void **state)
{
	static const char *const absent[] = { "in_force_since", "last_change",
					      "refused",	"unsettled",
					      "stalled",	"iptables" };
	const struct status status = { .started_us = WHEN_US };
	json_t *json = status_to_json(&status);

	(void)state;
	assert_non_null(json);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_null(json_object_get(json, absent[i]));
	json_decref(json);
}

static void a_reason_that_is_no_utf8_is_told_all_the_same(void **state)
{
	struct status status = {
		.started_us = WHEN_US,
		.refused = { .since_us = WHEN_US, .reason = "a\xff.yaml: no" },
		.unsettled = { .since_us = WHEN_US, .reason = "ä" },
	};
	json_t *json;

	(void)state;
	/* Cut in the middle of its last character. */
	memset(status.node_name, 'x', sizeof(status.node_name) - 2);
	status.node_name[sizeof(status.node_name) - 2] = '\xc3';
	json = status_to_json(&status);
	assert_string_equal("a?.yaml: no", text_at(json, "refused", "reason"));
	assert_string_equal("ä", text_at(json, "unsettled", "reason"));
	assert_non_null(strstr(text_at(json, NULL, "node"), "xxx?"));
	json_decref(json);
}

static void what_is_put_on_the_board_is_read_whole(void **state)
{
	const struct status status = { .generation = 7, .node_name = "node-a" };
	struct status_board board;
	struct status read;

	(void)state;
	status_board_init(&board);
	status_board_get(&board, &read);
	assert_int_equal(0, read.generation);
	status_board_put(&board, &status);
	status_board_get(&board, &read);
	assert_memory_equal(&status, &read, sizeof(read));
	status_board_release(&board);
}

static void the_watchdog_and_the_controller_each_put_up_their_part(void **state)
{
	const struct status status = { .generation = 7 };
	struct status_trouble stalled = { .since_us = WHEN_US,
					  .reason = "a reason" };
	struct status_board board;
	struct status read;
	json_t *json;

	(void)state;
	status_board_init(&board);
	status_board_put_stalled(&board, &stalled);
	status_board_put(&board, &status);
	status_board_get(&board, &read);
	assert_int_equal(7, read.generation);
	json = status_to_json(&read);
	assert_string_equal("a reason", text_at(json, "stalled", "reason"));
	json_decref(json);
	stalled.since_us = 0;
	status_board_put_stalled(&board, &stalled);
	status_board_get(&board, &read);
	assert_int_equal(7, read.generation);
	assert_int_equal(0, read.stalled.since_us);
	status_board_release(&board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_told_in_milliseconds_utc),
		cmocka_unit_test(what_is_not_is_not_told),
		cmocka_unit_test(a_reason_that_is_no_utf8_is_told_all_the_same),
		cmocka_unit_test(what_is_put_on_the_board_is_read_whole),
		cmocka_unit_test(
			the_watchdog_and_the_controller_each_put_up_their_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
