/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reflector_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- the clock ----------------------------------------------------------- */

int64_t now_us;

int __wrap_clock_gettime(clockid_t clock, struct timespec *at);

int __wrap_clock_gettime(clockid_t clock, struct timespec *at)
{
	(void)clock;
	at->tv_sec = now_us / S;
	at->tv_nsec = now_us % S * 1000;
	return 0;
}

/* ---- the server ---------------------------------------------------------- */

struct http_call call;
int n_calls;
bool token_has_changed;
unsigned int token_edition;
int n_renewals;

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
int end_result;

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

struct reflector_server server;
struct reflector *reflector;

void start_as(enum kube_resource which, bool is_asked_once)
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

void start_with(enum kube_resource which)
{
	start_as(which, false);
}

void start(void)
{
	start_with(KUBE_NAMESPACES);
}

int stop(void **state)
{
	(void)state;
	reflector_free(reflector);
	reflector = NULL;
	call.is_open = false;
	return 0;
}

/* The request that is open says this, and not that. */
void expect(const char *present, const char *absent)
{
	assert_true(call.is_open);
	if (!strstr(call.path, present))
		fail_msg("%s: expected %s", call.path, present);
	if (absent && strstr(call.path, absent))
		fail_msg("%s: expected no %s", call.path, absent);
}

void expect_told(const char *expected)
{
	assert_string_equal(expected, told);
	*told = '\0';
}

void end_call(int status, int error, int retry_after_s, const char *body)
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
void say(const char *bytes)
{
	int r = call.get.body(call.get.ctx, bytes, strlen(bytes));

	if (r < 0)
		end_call(200, r, -1, "");
}

void answer(const char *type)
{
	int r = call.get.begin ? call.get.begin(call.get.ctx, type) : 0;

	if (r < 0)
		end_call(200, r, -1, "");
}

void finish(void)
{
	end_call(200, 0, -1, "");
}

void refuse(int status)
{
	end_call(status, 0, -1, "{\"kind\":\"Status\",\"message\":\"no\"}");
}

/* The next request comes after so many seconds, and up to twice as many. */
void expect_wait(int64_t least_us)
{
	int64_t wait_us = reflector_due_us(reflector) - now_us;

	assert_false(call.is_open);
	if (wait_us < least_us || wait_us > 2 * least_us)
		fail_msg("waits %lld us", (long long)wait_us);
	now_us += wait_us;
	reflector_work(reflector, now_us);
	assert_true(call.is_open);
}

void expect_at_once(void)
{
	expect_wait(0);
}

/* A server that streams lists, whose list was read. */
void sync_by_stream(void)
{
	start();
	answer(JSON);
	say(EVENT("ADDED", "web", "5") MARK("7"));
	expect_told("begin +web end");
}

void sync_by_list(void)
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
