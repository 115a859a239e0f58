/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists, in streams and in pages. */
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

/* API-30, API-32 */
static void a_streaming_list_becomes_a_watch(void **state)
{
	(void)state;
	start();
	expect("sendInitialEvents=true", NULL);
	answer(JSON);
	say(EVENT("ADDED", "web", "5"));
	assert_false(reflector_status(reflector)->is_synced);
	say(MARK("7"));
	expect_told("begin +web end");
	assert_true(reflector_status(reflector)->is_synced);
	say(EVENT("MODIFIED", "web", "9"));
	expect_told("+web");
	now_us += 400 * S;
	finish();
	expect_at_once();
	expect("resourceVersion=9", "sendInitialEvents");
}

/* API-32 */
static void a_streaming_list_that_breaks_is_no_list(void **state)
{
	(void)state;
	start();
	answer(JSON);
	say(EVENT("ADDED", "web", "5"));
	end_call(200, -ECONNRESET, -1, "");
	expect_told("begin +web abort");
	assert_false(reflector_status(reflector)->is_synced);
	expect_wait(800000);
	expect("sendInitialEvents=true", "resourceVersion=5");
}

/* API-31 */
static void without_streams_a_list_comes_in_pages(void **state)
{
	(void)state;
	start();
	refuse(422);
	expect_at_once();
	expect("limit=500", "watch");
	expect("resourceVersion=0", NULL);
	answer(JSON);
	say(LIST("7", "token", NAMESPACE("web", "5")));
	finish();
	expect_at_once();
	expect("continue=token", "resourceVersion");
	answer(JSON);
	say(LIST("7", "", NAMESPACE("db", "6")));
	finish();
	expect_told("begin +web +db end");
	assert_true(server.no_streaming_until_us == INT64_MAX);
	expect_at_once();
	expect("resourceVersion=7", NULL);
}

/* API-31 */
static void
a_bookmark_without_a_mark_says_that_nothing_is_streamed(void **state)
{
	(void)state;
	start();
	answer(JSON);
	say(EVENT("ADDED", "web", "5") BOOKMARK("6"));
	expect_told("begin +web abort");
	assert_true(server.no_streaming_until_us == INT64_MAX);
	expect_at_once();
	expect("limit=500", "watch");
}

/* API-31 */
static void a_stream_without_an_end_is_given_up(void **state)
{
	(void)state;
	start();
	answer(JSON);
	say(EVENT("ADDED", "web", "5"));
	assert_true(call.is_open);
	now_us += 31 * S;
	reflector_work(reflector, now_us);
	assert_false(call.is_open);
	expect_told("begin +web abort");
	expect_wait(800000);
	expect("limit=500", "watch");
	assert_true(server.no_streaming_until_us < INT64_MAX);
}

/* L33: a stream costs the server less. */
static void who_was_not_reached_is_asked_for_a_stream_again(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 4; i++) {
		end_call(0, -ECONNREFUSED, -1, "");
		expect_wait(800000 << i);
		expect("sendInitialEvents=true", NULL);
	}
}

/* API-31 */
static void a_proxy_that_keeps_streams_back_gets_lists(void **state)
{
	(void)state;
	start();
	refuse(504);
	expect_wait(800000);
	refuse(504);
	expect_wait(1600000);
	expect("limit=500", "watch");
	refuse(503);
	expect_wait(3200000);
	/* Ten minutes later it may be another one. */
	now_us += 600 * S;
	refuse(503);
	expect_wait(800000);
	expect("sendInitialEvents=true", NULL);
}

/* L29 */
static void pages_without_an_end_are_no_list(void **state)
{
	static const struct {
		const char *name;
		const char *page;
	} pages[] = {
		{ "nothing, and more of it", LIST("7", "token", "") },
		{ "the same token again",
		  LIST("7", "token", NAMESPACE("db", "6")) },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		print_message("%s\n", pages[i].name);
		start();
		refuse(422);
		expect_at_once();
		answer(JSON);
		say(LIST("7", "token", NAMESPACE("web", "5")));
		finish();
		expect_at_once();
		answer(JSON);
		say(pages[i].page);
		assert_false(call.is_open);
		expect_wait(800000);
		expect("/namespaces", "limit");
		stop(NULL);
	}
}

/* API-22 */
static void a_mark_without_a_version_is_none(void **state)
{
	(void)state;
	start();
	answer(JSON);
	say(EVENT("ADDED", "web", "5") MARK(""));
	expect_told("begin +web abort");
	expect_wait(800000);
}

/* API-31 */
static void a_stream_without_an_answer_is_given_up_at_the_second(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 2; i++) {
		expect("sendInitialEvents", NULL);
		now_us += 31 * S;
		reflector_work(reflector, now_us);
		assert_false(call.is_open);
		expect_wait(i ? 1600000 : 800000);
	}
	expect("limit=500", "watch");
}

/* API-11 */
static void pages_that_expire_are_read_again_in_one(void **state)
{
	(void)state;
	start();
	refuse(422);
	expect_at_once();
	answer(JSON);
	say(LIST("7", "token", NAMESPACE("web", "5")));
	finish();
	expect_at_once();
	refuse(410);
	expect_told("begin +web abort");
	expect_at_once();
	expect("/namespaces", "limit");
	expect("/namespaces", "continue");
	expect("/namespaces", "resourceVersion");
}

/* API-10 */
static void a_list_without_a_version_is_none(void **state)
{
	(void)state;
	start();
	refuse(422);
	expect_at_once();
	answer(JSON);
	say(LIST("", "", NAMESPACE("web", "5")));
	expect_told("begin +web abort");
	expect_wait(800000);
}

/* API-14 */
static void a_version_that_is_too_large_is_not_asked_for_again(void **state)
{
	(void)state;
	sync_by_list();
	for (int i = 0; i < 5; i++) {
		refuse(500);
		expect_wait(800000 << i);
	}
	expect("resourceVersion=7", "watch");
	expect("resourceVersionMatch=NotOlderThan", NULL);
	end_call(504, 0, 1,
		 "{\"kind\":\"Status\",\"reason\":\"Timeout\",\"code\":504,"
		 "\"message\":\"Too large resource version\",\"details\":{"
		 "\"causes\":[{\"reason\":\"ResourceVersionTooLarge\","
		 "\"message\":\"Too large resource version\"}],"
		 "\"retryAfterSeconds\":1}}");
	expect_wait(25600000);
	expect("limit=500", "resourceVersion");
}

static void a_list_that_cannot_be_kept_is_read_again(void **state)
{
	(void)state;
	start();
	refuse(422);
	expect_at_once();
	answer(JSON);
	end_result = -ENOMEM;
	say(LIST("7", "", NAMESPACE("web", "5")));
	finish();
	expect_told("begin +web end abort");
	expect_wait(800000);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_streaming_list_becomes_a_watch),
		TEST(a_streaming_list_that_breaks_is_no_list),
		TEST(without_streams_a_list_comes_in_pages),
		TEST(a_bookmark_without_a_mark_says_that_nothing_is_streamed),
		TEST(a_stream_without_an_end_is_given_up),
		TEST(who_was_not_reached_is_asked_for_a_stream_again),
		TEST(a_proxy_that_keeps_streams_back_gets_lists),
		TEST(pages_without_an_end_are_no_list),
		TEST(a_mark_without_a_version_is_none),
		TEST(a_stream_without_an_answer_is_given_up_at_the_second),
		TEST(pages_that_expire_are_read_again_in_one),
		TEST(a_list_without_a_version_is_none),
		TEST(a_version_that_is_too_large_is_not_asked_for_again),
		TEST(a_list_that_cannot_be_kept_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
