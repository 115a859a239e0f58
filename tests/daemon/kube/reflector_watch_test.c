/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches, and their ends. */
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

/* API-22, API-27 */
static void a_watch_goes_on_where_it_was(void **state)
{
	(void)state;
	sync_by_stream();
	say(EVENT("MODIFIED", "web", "8") BOOKMARK("12"));
	now_us += 400 * S;
	finish();
	expect_at_once();
	expect("resourceVersion=12", "sendInitialEvents");
	answer(JSON);
	say(EVENT("DELETED", "web", "13"));
	expect_told("+web -web");
	/* In the middle of an event. */
	say("{\"type\":\"ADDED\",\"object\":{\"ki");
	end_call(200, 0, -1, "");
	expect_wait(800000);
	expect("resourceVersion=13", "sendInitialEvents");
	expect_told("");
}

/* API-27 */
static void a_watch_that_is_over_at_once_has_failed(void **state)
{
	(void)state;
	sync_by_list();
	answer(JSON);
	finish();
	expect_wait(800000);
	answer(JSON);
	finish();
	expect_wait(1600000);
	expect("resourceVersion=7", NULL);
}

/* API-27, L29 */
static void watches_that_bring_something_and_end_are_no_hot_loop(void **state)
{
	(void)state;
	sync_by_list();
	answer(JSON);
	say(EVENT("ADDED", "db", "9"));
	finish();
	/* A second after it has begun. */
	assert_true(reflector_due_us(reflector) == now_us + 1 * S);
	expect_wait(1 * S);
	answer(JSON);
	say(EVENT("ADDED", "db", "9"));
	now_us += 300000;
	finish();
	assert_true(reflector_due_us(reflector) == now_us + 700000);
	assert_string_equal("", reflector_status(reflector)->trouble);
	expect_wait(700000);
	answer(JSON);
	say(EVENT("ADDED", "db", "9"));
	now_us += 2 * S;
	finish();
	expect_at_once();
}

/* API-15, API-26, L29 */
static void history_that_is_gone_makes_a_new_list(void **state)
{
	static const struct {
		const char *name;
		bool as_event;
	} ways[] = { { "as a status", false }, { "as an event", true } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		print_message("%s\n", ways[i].name);
		sync_by_list();
		if (ways[i].as_event) {
			answer(JSON);
			say(ERROR("410", "Expired"));
		} else {
			refuse(410);
		}
		expect_at_once();
		expect("limit=500", "resourceVersion");
		/* And no hot loop of it. */
		refuse(410);
		expect_wait(1600000);
		refuse(410);
		expect_wait(3200000);
		stop(NULL);
	}
}

/* API-26 */
static void failures_before_it_do_not_delay_the_new_list(void **state)
{
	(void)state;
	sync_by_list();
	for (int64_t us = 800000; us < 8 * S; us *= 2) {
		refuse(503);
		expect_wait(us);
	}
	refuse(410);
	expect_at_once();
	expect("limit=500", "resourceVersion");
}

/* API-26 */
static void a_watch_that_keeps_failing_makes_a_new_list(void **state)
{
	(void)state;
	sync_by_list();
	for (int i = 0; i < 5; i++) {
		expect("watch=1", NULL);
		answer(JSON);
		say(ERROR("500", "InternalError"));
		expect_wait(800000 << i);
	}
	expect("resourceVersion=7", "watch");
	answer(JSON);
	say(LIST("9", "", NAMESPACE("db", "8")));
	finish();
	expect_told("begin +db end");
}

/* API-29 */
static void a_silent_watch_is_dead(void **state)
{
	(void)state;
	sync_by_stream();
	now_us += 300 * S;
	reflector_work(reflector, now_us);
	assert_true(call.is_open);
	now_us += 331 * S;
	reflector_work(reflector, now_us);
	assert_false(call.is_open);
	expect_wait(800000);
	expect("resourceVersion=7", "sendInitialEvents");
}

/* API-29, API-22 */
static void a_watch_with_bookmarks_is_missed_sooner(void **state)
{
	(void)state;
	sync_by_stream();
	say(BOOKMARK("8"));
	now_us += 149 * S;
	reflector_work(reflector, now_us);
	assert_true(call.is_open);
	now_us += 2 * S;
	reflector_work(reflector, now_us);
	assert_false(call.is_open);
	expect_wait(800000);
	expect("resourceVersion=8", "sendInitialEvents");
}

/* API-28: who is refused everything has heard nothing. */
static void refusals_are_no_news(void **state)
{
	static const int codes[] = { 401, 403, 429, 500, 503 };
	int64_t heard_us;

	(void)state;
	sync_by_list();
	heard_us = reflector_status(reflector)->heard_us;
	assert_true(heard_us > 0);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		now_us += 200 * S;
		refuse(codes[i]);
		assert_true(heard_us == reflector_status(reflector)->heard_us);
		reflector_hurry(reflector);
		reflector_work(reflector, now_us);
	}
	answer(JSON);
	assert_true(now_us == reflector_status(reflector)->heard_us);
}

/* API-29 */
static void a_silent_list_is_dead(void **state)
{
	(void)state;
	start();
	refuse(422);
	expect_at_once();
	expect("limit=500", NULL);
	now_us += 119 * S;
	reflector_work(reflector, now_us);
	assert_true(call.is_open);
	answer(JSON);
	now_us += 121 * S;
	reflector_work(reflector, now_us);
	assert_false(call.is_open);
	expect_told("begin abort");
	expect_wait(800000);
}

/* API-21 */
static void an_event_of_an_unknown_type_is_passed_over(void **state)
{
	(void)state;
	sync_by_stream();
	say(EVENT("SHRUNK", "web", "8") EVENT("ADDED", "db", "9"));
	expect_told("+db");
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_watch_goes_on_where_it_was),
		TEST(a_watch_that_is_over_at_once_has_failed),
		TEST(watches_that_bring_something_and_end_are_no_hot_loop),
		TEST(history_that_is_gone_makes_a_new_list),
		TEST(failures_before_it_do_not_delay_the_new_list),
		TEST(a_watch_that_keeps_failing_makes_a_new_list),
		TEST(a_silent_watch_is_dead),
		TEST(a_watch_with_bookmarks_is_missed_sooner),
		TEST(refusals_are_no_news),
		TEST(a_silent_list_is_dead),
		TEST(an_event_of_an_unknown_type_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
