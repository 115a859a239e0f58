/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reflector, with the test as the server, the store and the clock. What the
 * store is told is written down: "begin +web end" is a list, "+web" an event
 * that put it, "-web" one that deleted it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kube/http.h"
#include "kube/reflector.h"

#define S INT64_C(1000000)

/* ---- the clock ----------------------------------------------------------- */

static int64_t now_us;

int __wrap_clock_gettime(clockid_t clock, struct timespec *at);

int __wrap_clock_gettime(clockid_t clock, struct timespec *at)
{
	(void)clock;
	at->tv_sec = now_us / S;
	at->tv_nsec = now_us % S * 1000;
	return 0;
}

/* ---- the server ---------------------------------------------------------- */

struct http_call {
	struct http_get get;
	char path[1024];
	bool is_open;
};

static struct http_call call;
static int n_calls;
static bool token_has_changed;
static unsigned int token_edition;
static int n_renewals;

struct http_call *http_begin(struct http *http, const struct http_get *get)
{
	(void)http;
	assert_false(call.is_open);
	call = (struct http_call){ .get = *get, .is_open = true };
	snprintf(call.path, sizeof(call.path), "%s", get->path);
	n_calls++;
	return &call;
}

void http_cancel(struct http_call *cancelled)
{
	if (cancelled)
		cancelled->is_open = false;
}

bool http_renew_token(struct http *http)
{
	(void)http;
	n_renewals++;
	token_edition += token_has_changed;
	return token_has_changed;
}

unsigned int http_token_edition(const struct http *http)
{
	(void)http;
	return token_edition;
}

/* ---- the store ----------------------------------------------------------- */

static char told[4096];
static int end_result;

static void tell(const char *what, const char *name)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%s%s%s", len ? " " : "", what,
		 name);
}

static int store_begin(void *ctx, enum kube_resource which)
{
	(void)ctx, (void)which;
	tell("begin", "");
	return 0;
}

static int store_take(void *ctx, enum kube_resource which,
		      const struct api_event *event, bool listing)
{
	(void)ctx, (void)which, (void)listing;
	tell(event->type == API_DELETED ? "-" : "+", event->name);
	return 0;
}

static int store_end(void *ctx, enum kube_resource which)
{
	(void)ctx, (void)which;
	tell("end", "");
	return end_result;
}

static void store_abort(void *ctx, enum kube_resource which)
{
	(void)ctx, (void)which;
	tell("abort", "");
}

static int store_gone(void *ctx, enum kube_resource which)
{
	(void)ctx, (void)which;
	tell("gone", "");
	return 0;
}

static const struct reflector_sink sink = {
	.begin = store_begin,
	.take = store_take,
	.end = store_end,
	.abort = store_abort,
	.gone = store_gone,
};

/* ---- a conversation ------------------------------------------------------ */

static struct reflector_server server;
static struct reflector *reflector;

static void start_as(enum kube_resource which, bool is_asked_once)
{
	const struct reflector_options options = {
		.which = which,
		.node_name = "node-1",
		.server = &server,
		.sink = &sink,
		.seed = 1,
	};

	server = (struct reflector_server){
		.name = "https://server",
		.is_asked_once = is_asked_once,
	};
	now_us = 1000 * S;
	*told = '\0';
	n_calls = n_renewals = end_result = 0;
	token_has_changed = false;
	assert_int_equal(0, reflector_new(&options, &reflector));
	reflector_work(reflector, now_us);
}

static void start_with(enum kube_resource which)
{
	start_as(which, false);
}

static void start(void)
{
	start_with(KUBE_NAMESPACES);
}

static int stop(void **state)
{
	(void)state;
	reflector_free(reflector);
	reflector = NULL;
	call.is_open = false;
	return 0;
}

/* The request that is open says this, and not that. */
static void expect(const char *present, const char *absent)
{
	assert_true(call.is_open);
	if (!strstr(call.path, present))
		fail_msg("%s: expected %s", call.path, present);
	if (absent && strstr(call.path, absent))
		fail_msg("%s: expected no %s", call.path, absent);
}

static void expect_told(const char *expected)
{
	assert_string_equal(expected, told);
	*told = '\0';
}

static void end_call(int status, int error, int retry_after_s, const char *body)
{
	struct http_end end = {
		.status = status,
		.error = error,
		.retry_after_s = retry_after_s,
	};
	struct http_get get = call.get;

	snprintf(end.message, sizeof(end.message), "it broke");
	assert_true(call.is_open);
	call.is_open = false;
	get.end(get.ctx, &end, body, strlen(body));
}

/* Where the reflector breaks it off, so does the server. */
static void say(const char *bytes)
{
	int r = call.get.body(call.get.ctx, bytes, strlen(bytes));

	if (r < 0)
		end_call(200, r, -1, "");
}

static void answer(const char *type)
{
	int r = call.get.begin ? call.get.begin(call.get.ctx, type) : 0;

	if (r < 0)
		end_call(200, r, -1, "");
}

static void finish(void)
{
	end_call(200, 0, -1, "");
}

static void refuse(int status)
{
	end_call(status, 0, -1, "{\"kind\":\"Status\",\"message\":\"no\"}");
}

/* The next request comes after so many seconds, and up to twice as many. */
static void expect_wait(int64_t least_us)
{
	int64_t wait_us = reflector_due_us(reflector) - now_us;

	assert_false(call.is_open);
	if (wait_us < least_us || wait_us > 2 * least_us)
		fail_msg("waits %lld us", (long long)wait_us);
	now_us += wait_us;
	reflector_work(reflector, now_us);
	assert_true(call.is_open);
}

static void expect_at_once(void)
{
	expect_wait(0);
}

#define NAMESPACE(name, version)                                               \
	"{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{"         \
	"\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, name, version)                                             \
	"{\"type\":\"" type "\",\"object\":" NAMESPACE(name, version) "}\n"
#define MARK(version)                                                          \
	"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Namespace\","           \
	"\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version   \
	"\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define BOOKMARK(version)                                                      \
	"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Namespace\","           \
	"\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version   \
	"\"}}}\n"
#define ERROR(code, reason)                                                    \
	"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","                 \
	"\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"m\","      \
	"\"reason\":\"" reason "\",\"code\":" code "}}\n"
#define LIST(version, token, items)                                            \
	"{\"kind\":\"NamespaceList\",\"apiVersion\":\"v1\",\"metadata\":{"     \
	"\"resourceVersion\":\"" version "\",\"continue\":\"" token            \
	"\"},\"items\":[" items "]}"

#define JSON "application/json"

/* A server that streams lists, whose list was read. */
static void sync_by_stream(void)
{
	start();
	answer(JSON);
	say(EVENT("ADDED", "web", "5") MARK("7"));
	expect_told("begin +web end");
}

static void sync_by_list(void)
{
	start();
	refuse(422);
	expect_at_once();
	answer(JSON);
	say(LIST("7", "", NAMESPACE("web", "5")));
	finish();
	expect_told("begin +web end");
	expect_at_once();
	expect("watch=1", "sendInitialEvents");
	expect("resourceVersion=7", NULL);
}

/* ---- lists --------------------------------------------------------------- */

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

/* ---- watches ------------------------------------------------------------- */

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

/* ---- refusals ------------------------------------------------------------ */

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

/* ---- who asks once ------------------------------------------------------- */

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
