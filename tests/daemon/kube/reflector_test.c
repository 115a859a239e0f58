/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refusals, garbage, haste, and who asks only once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reflector_talk.h"

/* API-61 */
static void a_token_that_is_refused_is_read_again(void **state)
{
	(void)state;
	sync_by_list();
	token_has_changed = true;
	refuse(401);
	assert_int_equal(1, n_renewals);
	expect_at_once();
	refuse(401);
	expect_wait(1600000);
	answer(JSON);
	assert_string_equal("", reflector_status(reflector)->trouble);
}

/* API-61 */
static void
a_token_that_another_resource_has_read_is_tried_at_once(void **state)
{
	(void)state;
	sync_by_list();
	token_edition++;
	refuse(401);
	expect_at_once();
}

/* API-61 */
static void a_token_that_stays_the_same_is_not_tried_at_once(void **state)
{
	(void)state;
	sync_by_list();
	refuse(401);
	expect_wait(800000);
}

/* API-2 */
static void a_missing_right_is_named_and_waited_for(void **state)
{
	const char *trouble;

	(void)state;
	sync_by_list();
	refuse(403);
	trouble = reflector_status(reflector)->trouble;
	assert_non_null(strstr(trouble, "the verb watch on the resource "
					"namespaces of the API group \"\""));
	expect_wait(800000);
}

/* Or whoever speaks for the server writes lines of the log. */
#define FORGED "no\\nnetpold: in force \\u001b[2J\\u00e9"
#define CLEANED "no?netpold: in force ?[2J??"

static void what_a_server_says_is_cleaned(void **state)
{
	static const char answer_text[] =
		"{\"kind\":\"Status\",\"reason\":\"A\\nB\",\"message\":"
		"\"" FORGED "\"}";

	(void)state;
	sync_by_list();
	end_call(500, 0, -1, answer_text);
	assert_string_equal("500 A?B: " CLEANED,
			    reflector_status(reflector)->trouble);
	expect_wait(800000);
	end_call(403, 0, -1, answer_text);
	assert_non_null(
		strstr(reflector_status(reflector)->trouble, ": " CLEANED));
}

static void what_it_says_in_a_stream_is_cleaned_too(void **state)
{
	(void)state;
	sync_by_list();
	answer(JSON);
	say("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","
	    "\"apiVersion\":\"v1\",\"reason\":\"A\\nB\",\"message\":"
	    "\"" FORGED "\",\"code\":500}}\n");
	assert_string_equal("500 A?B: " CLEANED,
			    reflector_status(reflector)->trouble);
	expect_wait(800000);
	answer("text/\n\033[2J");
	assert_string_equal("expected an answer of type application/json, "
			    "found 'text/??[2J'",
			    reflector_status(reflector)->trouble);
}

/* API-2: until it has read who may do what, a server that starts refuses. */
static void a_missing_right_is_asked_for_ever_more_slowly(void **state)
{
	(void)state;
	sync_by_list();
	for (int64_t us = 800000; us < 120 * S; us *= 2) {
		refuse(403);
		expect_wait(us < 30 * S ? us : 30 * S);
		expect("watch=1", "sendInitialEvents");
	}
}

/* API-2, API-3 */
static void what_is_not_served_is_asked_for_every_minute(void **state)
{
	(void)state;
	start_with(KUBE_CLUSTER_POLICIES);
	refuse(404);
	expect_told("gone");
	assert_false(reflector_status(reflector)->is_served);
	expect_wait(60 * S);
	answer(JSON);
	say(MARK("3"));
	expect_told("begin end");
	assert_true(reflector_status(reflector)->is_served);
	now_us += 400 * S;
	finish();
	expect_at_once();
	refuse(404);
	expect_told("gone");
	expect_wait(60 * S);
	expect("sendInitialEvents", NULL);
}

/* API-50 */
static void a_server_that_asks_for_time_gets_it(void **state)
{
	(void)state;
	sync_by_list();
	end_call(429, 0, 7, "too many requests");
	expect_wait(7 * S);
	expect("resourceVersion=7", NULL);
}

/* Seconds are lost, not minutes, once the server is back. */
static void whoever_was_cut_off_follows_who_gets_through(void **state)
{
	(void)state;
	sync_by_list();
	end_call(0, -ECONNREFUSED, -1, "");
	assert_true(reflector_due_us(reflector) >= now_us + 800000);
	server.n_answers++;
	reflector_work(reflector, now_us);
	assert_true(call.is_open);
	/* Who was answered has its own wait. */
	refuse(500);
	server.n_answers++;
	expect_wait(1600000);
}

/* API-45 */
static void an_answer_of_another_type_is_none(void **state)
{
	(void)state;
	start();
	answer("text/html; charset=utf-8");
	assert_non_null(
		strstr(reflector_status(reflector)->trouble, "text/html"));
	expect_wait(800000);
}

static void garbage_is_no_answer(void **state)
{
	(void)state;
	sync_by_list();
	answer(JSON);
	say("<html>\n");
	expect_wait(800000);
	expect("resourceVersion=7", NULL);
	expect_told("");
}

static void an_empty_answer_is_no_list(void **state)
{
	(void)state;
	start();
	refuse(422);
	expect_at_once();
	answer(JSON);
	finish();
	expect_told("begin abort");
	expect_wait(800000);
}

static void a_redirect_is_not_followed(void **state)
{
	(void)state;
	start();
	refuse(302);
	assert_non_null(
		strstr(reflector_status(reflector)->trouble, "redirect"));
	expect_wait(800000);
}

/* A version of another cluster, say. */
static void a_watch_that_is_refused_is_listed_anew(void **state)
{
	(void)state;
	sync_by_list();
	refuse(400);
	expect_wait(800000);
	expect("limit=500", "resourceVersion");
}

static void whoever_is_in_a_hurry_is_not_kept_waiting(void **state)
{
	(void)state;
	sync_by_list();
	refuse(403);
	assert_false(call.is_open);
	reflector_hurry(reflector);
	reflector_work(reflector, now_us);
	assert_true(call.is_open);
}

static void start_once(void)
{
	start_as(KUBE_NAMESPACES, true);
}

/* API-1, API-15 */
static void
who_asks_once_gets_what_there_is_now_and_watches_nothing(void **state)
{
	(void)state;
	start_once();
	expect("limit=500", "resourceVersion");
	answer(JSON);
	say(LIST("7", "token", NAMESPACE("web", "5")));
	finish();
	expect_at_once();
	expect("continue=token", "resourceVersion");
	answer(JSON);
	say(LIST("7", "", NAMESPACE("db", "6")));
	finish();
	expect_told("begin +web +db end");
	assert_true(reflector_status(reflector)->is_synced);
	assert_int_equal(INT64_MAX, reflector_due_us(reflector));
	assert_int_equal(2, n_calls);
}

/* API-11: a wait is what makes it one. */
static void what_is_asked_again_at_once_is_no_trouble_yet(void **state)
{
	(void)state;
	start_once();
	answer(JSON);
	say(LIST("7", "token", NAMESPACE("web", "5")));
	finish();
	expect_at_once();
	refuse(410);
	assert_string_equal("", reflector_status(reflector)->trouble);
	expect_at_once();
	expect("/namespaces", "limit");
	refuse(503);
	assert_string_not_equal("", reflector_status(reflector)->trouble);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_that_is_refused_is_read_again),
		TEST(a_token_that_another_resource_has_read_is_tried_at_once),
		TEST(a_token_that_stays_the_same_is_not_tried_at_once),
		TEST(a_missing_right_is_named_and_waited_for),
		TEST(what_a_server_says_is_cleaned),
		TEST(what_it_says_in_a_stream_is_cleaned_too),
		TEST(a_missing_right_is_asked_for_ever_more_slowly),
		TEST(what_is_not_served_is_asked_for_every_minute),
		TEST(a_server_that_asks_for_time_gets_it),
		TEST(whoever_was_cut_off_follows_who_gets_through),
		TEST(an_answer_of_another_type_is_none),
		TEST(garbage_is_no_answer),
		TEST(an_empty_answer_is_no_list),
		TEST(a_redirect_is_not_followed),
		TEST(a_watch_that_is_refused_is_listed_anew),
		TEST(whoever_is_in_a_hurry_is_not_kept_waiting),
		TEST(who_asks_once_gets_what_there_is_now_and_watches_nothing),
		TEST(what_is_asked_again_at_once_is_no_trouble_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
