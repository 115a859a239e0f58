/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pods on the live page, as long as they are what is in force: whoever replaces
 * it may have a number of the same value (a warm start and the compiler's
 * first, a pause and what it stands in for).
 */
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

#include "netpold/snapshot.h"

#include "current.h"
#include "denied_world.h"
#include "observe/live_pages.h"
#include "observe/live_state.h"
#include "observe/web_page.h"
#include "observe/web_token.h"
#include "page/page.h"

static struct live_pages pages;

/* Nobody asks for what these tell: who does takes the whole daemon. */
json_t *live_state_to_json(struct live_state *state, int64_t now_us)
{
	(void)state;
	(void)now_us;
	return NULL;
}

void live_state_release(struct live_state *state)
{
	(void)state;
}

bool web_token_fits(struct web_token *token, const char *authorization,
		    int64_t now_us)
{
	(void)token;
	(void)authorization;
	(void)now_us;
	return true;
}

void page_write_live(FILE *out)
{
	(void)out;
}

/* The caller decrefs it. */
static json_t *ask_pods(void)
{
	const struct web_request request = { .path = "/pods.json" };
	struct web_page page = { .status = 0 };
	json_t *json;

	live_pages_get(&pages, &request, &page);
	assert_int_equal(200, page.status);
	json = json_loadb(page.body, page.len, 0, NULL);
	assert_non_null(json);
	free(page.body);
	return json;
}

/* Puts it in force; returns its own number. */
static uint64_t put_in_force(const char *spec)
{
	struct denied_world world;
	struct snapshot *snapshot;

	denied_world_init(&world, spec, "10.1.0.1", "10.0.0.1", "80/TCP");
	snapshot = world.snapshot;
	world.snapshot = NULL;
	arena_release(&world.arena);
	current_replace(snapshot);
	return snapshot_number(snapshot);
}

static void expect_rules_of_web(json_int_t n_rules)
{
	json_t *told = ask_pods(), *pod;
	json_int_t found = -1;
	size_t i;

	json_array_foreach(json_object_get(told, "pods"), i, pod)
	{
		const char *name =
			json_string_value(json_object_get(pod, "name"));

		if (strcmp(name, "web") == 0)
			found = json_integer_value(json_object_get(
				json_object_get(pod, "ingress"), "n_rules"));
	}
	assert_int_equal(n_rules, found);
	assert_int_equal(current_number(), json_integer_value(json_object_get(
						   told, "generation")));
	json_decref(told);
}

static void pods_are_those_in_force_though_its_number_is_the_same(void **state)
{
	uint64_t first, second;

	(void)state;
	first = put_in_force("ingress: []");
	expect_rules_of_web(0);
	second = put_in_force("ingress: [{}]");
	assert_int_equal(first, second);
	expect_rules_of_web(1);
}

static void they_are_written_once_for_all_who_ask(void **state)
{
	const char *data;

	(void)state;
	put_in_force("ingress: []");
	json_decref(ask_pods());
	data = pages.pods.data;
	json_decref(ask_pods());
	assert_ptr_equal(data, pages.pods.data);
}

static void where_nothing_is_in_force_there_is_no_pod(void **state)
{
	json_t *told;

	(void)state;
	put_in_force("ingress: []");
	expect_rules_of_web(0);
	current_replace(NULL);
	told = ask_pods();
	assert_int_equal(0, json_array_size(json_object_get(told, "pods")));
	json_decref(told);
}

static int leave(void **state)
{
	(void)state;
	current_replace(NULL);
	live_pages_release(&pages);
	pages = (struct live_pages){ .token = NULL };
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			pods_are_those_in_force_though_its_number_is_the_same,
			leave),
		cmocka_unit_test_teardown(they_are_written_once_for_all_who_ask,
					  leave),
		cmocka_unit_test_teardown(
			where_nothing_is_in_force_there_is_no_pod, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
