/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "observe/status.h"
#include "observe/status_board.h"
#include "time_text.h"

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

static void manifests_are_told_by_their_paths(void **state)
{
	static const char *const paths[] = { "dump/", "a\xff.yaml" };
	const struct status status = { .started_us = WHEN_US,
				       .manifests = paths,
				       .n_manifests = 2 };
	json_t *json = status_to_json(&status);
	json_t *expected = json_pack("{ss s[ss]}", "kind", "manifests", "paths",
				     "dump/", "a?.yaml");

	(void)state;
	assert_true(json_equal(expected, json_object_get(json, "source")));
	json_decref(expected);
	json_decref(json);
}

static struct status from_server(void)
{
	struct status status = {
		.started_us = WHEN_US,
		.source = { .is_used = true, .server = "https://k" },
	};

	status.source.resources[KUBE_PODS] = (struct kube_resource_status){
		.is_synced = true,
		.is_served = true,
		.heard_us = clock_us() - 5000000,
		.n_objects = 1,
		.n_unreadable = 7,
		.unreadable = "shop/web",
		.n_lists = 2,
		.n_watches = 3,
		.n_events = 4,
		.n_failures = 5,
		.n_requests = 6,
		.trouble = "no",
	};
	status.source.resources[KUBE_CLUSTER_POLICIES].n_objects = 7;
	return status;
}

static void an_api_server_is_told_by_its_resources(void **state)
{
	const struct status status = from_server();
	json_t *json = status_to_json(&status);
	json_t *source = json_object_get(json, "source");
	json_t *resources = json_object_get(source, "resources");
	json_t *pods = json_array_get(resources, KUBE_PODS);
	json_t *expected = json_pack(
		"{ss sb sb sO* si si ss si si si si si ss}", "name", "pods",
		"synced", 1, "served", 1, "heard_at",
		json_object_get(pods, "heard_at"), "objects", 1, "unreadable",
		7, "first_unreadable", "shop/web", "lists", 2, "watches", 3,
		"events", 4, "failures", 5, "requests", 6, "trouble", "no");

	(void)state;
	assert_string_equal("https://k", text_at(source, NULL, "server"));
	assert_int_equal(N_KUBE_RESOURCES, json_array_size(resources));
	assert_true(json_equal(expected, pods));
	assert_int_equal(7,
			 json_integer_value(json_object_get(
				 source, "ignored_cluster_network_policies")));
	json_decref(expected);
	json_decref(json);
}

/* It was heard of five seconds ago, by a clock that has another beginning. */
static void when_a_resource_was_heard_of_is_told_by_the_wall_clock(void **state)
{
	const struct status status = from_server();
	json_t *json = status_to_json(&status);
	const json_t *source = json_object_get(json, "source");
	const json_t *resources = json_object_get(source, "resources");
	const char *told =
		text_at(json_array_get(resources, KUBE_PODS), NULL, "heard_at");
	char earliest[TIME_TEXT_LEN], latest[TIME_TEXT_LEN];

	(void)state;
	time_text_format(clock_wall_us() - 35000000, earliest);
	time_text_format(clock_wall_us() - 4000000, latest);
	assert_true(strcmp(earliest, told) < 0 && strcmp(told, latest) < 0);
	assert_null(text_at(json_array_get(resources, KUBE_NODE), NULL,
			    "heard_at"));
	json_decref(json);
}

static void whether_it_is_ready_is_told_or_why_not(void **state)
{
	struct status status = { .started_us = WHEN_US };
	json_t *json = status_to_json(&status);

	(void)state;
	assert_null(text_at(json, NULL, "ready_since"));
	assert_string_equal("not ready: starting, nothing is in force yet",
			    text_at(json, NULL, "unready"));
	json_decref(json);
	status.ready_since_us = WHEN_US;
	json = status_to_json(&status);
	assert_string_equal("2024-02-29T12:34:56.789Z",
			    text_at(json, NULL, "ready_since"));
	assert_null(text_at(json, NULL, "unready"));
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
		cmocka_unit_test(manifests_are_told_by_their_paths),
		cmocka_unit_test(an_api_server_is_told_by_its_resources),
		cmocka_unit_test(
			when_a_resource_was_heard_of_is_told_by_the_wall_clock),
		cmocka_unit_test(whether_it_is_ready_is_told_or_why_not),
		cmocka_unit_test(a_reason_that_is_no_utf8_is_told_all_the_same),
		cmocka_unit_test(what_is_put_on_the_board_is_read_whole),
		cmocka_unit_test(
			the_watchdog_and_the_controller_each_put_up_their_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
