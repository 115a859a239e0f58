/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the end of an answer means, and what is done then:
 *
 *	a watch's time is over		watch on at once (API-27)
 *	a page is whole			the next page, or the watch, at once
 *	400, 422 to a streaming list	a list in pages, at once (API-31)
 *	400, 422 to another request	a new list, of any version, after a wait
 *	401				the token is read again, and once at
 *					once
 *	403				a wait, longer each time: a server that
 *					starts says so, too, until it has read
 *					who may do what (API-2)
 *	406				a long wait: somebody has to change
 *					something
 *	404				not served: asked again every minute, or
 *					two (API-2, API-3)
 *	410				a new list, of any version; once a
 *					minute at once (API-26)
 *	504 "too large"			a list of any version (API-14)
 *	429, 5xx, broken answers	a wait, longer each time; the watch goes
 *					on where it was; after some, a new list
 */
#include "kube/reflector_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "plain_text.h"

#define US_PER_S INT64_C(1000000)

/* A watch that is over so soon, and brought nothing, has failed (API-27). */
#define SHORT_WATCH_US US_PER_S

/* How often a resource that is not served is asked for (API-2). */
#define ABSENT_US (60 * US_PER_S)

/* History that is lost again so soon is asked for like all that fails. */
#define LOSS_US (60 * US_PER_S)

/* Watches that fail in a row before a list is made anew (API-26). */
enum { MAX_WATCH_FAILURES = 5 };

/* Streaming lists that were answered, and broke off, before there is a list in
   pages (API-31); and for how long there is one then: it may have been the way
   to the server. */
enum { MAX_STREAM_FAILURES = 2 };
#define STREAM_BREAK_US (10 * 60 * US_PER_S)

/* How an answer ended. */
struct outcome {
	int code; /* of HTTP, or what the server said in the stream; 200 where
		     the answer was whole, 0 where it broke */
	int retry_after_s;
	bool is_too_large;
	bool is_silent; /* nothing came */
	const char *doing;
	char message[sizeof(((struct err *)0)->message)];
};

/* ---- reading it ---------------------------------------------------------- */

static void read_refusal(const struct reflector *r, const struct http_end *end,
			 const char *body, size_t body_len, struct outcome *out)
{
	char buf[1024];
	struct api_status status;
	const char *verb = r->phase == PHASE_LIST ? "list" : "watch";

	api_status_read(body, body_len, buf, sizeof(buf), &status);
	out->code = (int)end->status;
	out->is_too_large = status.is_too_large;
	if (out->retry_after_s < status.retry_after_s)
		out->retry_after_s = status.retry_after_s;
	if (out->code == 403)
		snprintf(out->message, sizeof(out->message),
			 "403: may not %s them: a ClusterRole has to grant the "
			 "verb %s on the resource %s of the API group \"%s\": "
			 "%.200s",
			 verb, verb, kube_resource_name(r->options.which),
			 r->resource->group, status.message);
	else if (out->code / 100 == 3)
		snprintf(out->message, sizeof(out->message),
			 "%d: a redirect, which is not followed", out->code);
	else
		snprintf(out->message, sizeof(out->message), "%d%s%s: %.300s",
			 out->code, *status.reason ? " " : "", status.reason,
			 status.message);
}

/* What the server says goes into the log, and to terminals. */
static struct outcome outcome_of(const struct reflector *r,
				 const struct http_end *end, const char *body,
				 size_t body_len)
{
	struct outcome out = {
		.retry_after_s = end->retry_after_s,
		.is_silent = end->error == -ETIME,
		.doing = r->phase == PHASE_WATCH ? "watching" : "listing",
	};

	if (r->broken.code) {
		out.code = r->said.code;
		out.is_too_large = r->said.is_too_large;
		if (out.retry_after_s < r->said.retry_after_s)
			out.retry_after_s = r->said.retry_after_s;
		snprintf(out.message, sizeof(out.message), "%s",
			 r->broken.message);
	} else if (end->status && end->status != 200) {
		read_refusal(r, end, body, body_len, &out);
	} else if (end->error) {
		snprintf(out.message, sizeof(out.message), "%s", end->message);
	} else {
		out.code = 200;
	}
	plain_text_clean(out.message);
	return out;
}

/* ---- telling ------------------------------------------------------------- */

static void report_trouble(struct reflector *r, const struct outcome *outcome,
			   int64_t wait_us)
{
	bool told = r->options.server->is_asked_once ||
		    strcmp(r->status.trouble, outcome->message) == 0;

	r->status.n_failures++;
	/* Who asks once gives up at the first trouble; this is none yet. */
	if (r->options.server->is_asked_once && wait_us == 0)
		return;
	snprintf(r->status.trouble, sizeof(r->status.trouble), "%s",
		 outcome->message);
	if (!told)
		log_warning("%s: %s failed: %s; what was known stays, trying "
			    "again in %.1f s",
			    r->source, outcome->doing, outcome->message,
			    (double)wait_us / US_PER_S);
}

void reflector_report_good(struct reflector *r)
{
	if (*r->status.trouble && !r->options.server->is_asked_once)
		log_info("%s: listed and watched again", r->source);
	*r->status.trouble = '\0';
}

/* ---- what is done -------------------------------------------------------- */

static void fail(struct reflector *r, const struct outcome *outcome)
{
	int64_t wait_us =
		backoff_fail(&r->backoff, clock_us(), reflector_random(r),
			     outcome->retry_after_s);

	report_trouble(r, outcome, wait_us);
	reflector_wait(r, wait_us);
}

static void fail_slowly(struct reflector *r, const struct outcome *outcome)
{
	int64_t wait_us = backoff_fail_slowly(&r->backoff, clock_us(),
					      reflector_random(r));

	report_trouble(r, outcome, wait_us);
	reflector_wait(r, wait_us);
}

/* It counts as a failure, and is followed by another request at once. Whoever
   does so twice in a row has a hot loop (L29). */
static void fail_gently(struct reflector *r, const struct outcome *outcome)
{
	backoff_fail(&r->backoff, clock_us(), reflector_random(r),
		     outcome->retry_after_s);
	report_trouble(r, outcome, 0);
	reflector_wait(r, 0);
}

/* Other failures that came before make nobody wait: the server is there, and
   has said what is to be done. */
static void lose_history(struct reflector *r, const struct outcome *outcome,
			 bool was_paging)
{
	int64_t now_us = clock_us();
	bool is_first = !r->lost_us || now_us - r->lost_us >= LOSS_US;

	r->needs_list = r->fresh = true;
	r->unlimited |= was_paging;
	r->lost_us = now_us;
	if (is_first)
		fail_gently(r, outcome);
	else
		fail(r, outcome);
}

static void avoid_streams(struct reflector *r, int64_t until_us)
{
	struct reflector_server *server = r->options.server;

	if (until_us <= server->no_streaming_until_us)
		return;
	if (server->no_streaming_until_us <= clock_us() &&
	    !server->is_asked_once)
		log_info("%s does not stream lists: they are read in pages%s",
			 server->name,
			 until_us == INT64_MAX ? "" : " for ten minutes");
	server->no_streaming_until_us = until_us;
}

static void lose_streams(struct reflector *r)
{
	avoid_streams(r, INT64_MAX);
	reflector_wait(r, 0);
}

/* What it does not like may be a version that is none of its own. */
static void lose_option(struct reflector *r, const struct outcome *outcome,
			enum phase phase)
{
	if (phase == PHASE_STREAM) {
		lose_streams(r);
		return;
	}
	r->needs_list = r->fresh = true;
	fail(r, outcome);
}

/* Whoever comes second finds that the token has been read already. */
static void renew_token(struct reflector *r, const struct outcome *outcome)
{
	bool is_first = !r->renewed;

	r->renewed = true;
	http_renew_token(r->options.http);
	if (http_token_edition(r->options.http) != r->token_edition && is_first)
		fail_gently(r, outcome);
	else
		fail(r, outcome);
}

static void be_absent(struct reflector *r, const struct outcome *outcome)
{
	if (!r->resource->is_extra) {
		fail_slowly(r, outcome);
		return;
	}
	if (r->options.sink->gone(r->options.sink->ctx, r->options.which) < 0) {
		fail(r, outcome);
		return;
	}
	reflector_report_good(r);
	r->status.is_synced = r->status.is_served = false;
	r->needs_list = r->fresh = true;
	reflector_wait(r, backoff_jitter(ABSENT_US, reflector_random(r)));
}

static void fail_watch(struct reflector *r, const struct outcome *outcome)
{
	if (++r->n_watch_failures >= MAX_WATCH_FAILURES)
		r->needs_list = true;
	fail(r, outcome);
}

/* A stream that was answered, and waits for something to happen, has no mark to
   come. */
static void fail_stream(struct reflector *r, const struct outcome *outcome)
{
	bool has_no_mark = outcome->is_silent && r->has_begun;

	if (++r->n_stream_failures >= MAX_STREAM_FAILURES || has_no_mark)
		avoid_streams(r, clock_us() + STREAM_BREAK_US);
	fail(r, outcome);
}

/* It began and broke, or somebody in between did not wait for its end; not: the
   server was not there, or is busy. */
static bool is_of_the_stream(const struct reflector *r,
			     const struct outcome *outcome)
{
	return r->has_begun || outcome->is_silent || outcome->code == 502 ||
	       outcome->code == 504;
}

static void fail_in(struct reflector *r, const struct outcome *outcome,
		    enum phase phase)
{
	if (phase == PHASE_WATCH)
		fail_watch(r, outcome);
	else if (phase == PHASE_STREAM && is_of_the_stream(r, outcome))
		fail_stream(r, outcome);
	else
		fail(r, outcome);
}

/* ---- ends ---------------------------------------------------------------- */

static void end_page(struct reflector *r)
{
	struct outcome outcome = { .retry_after_s = -1, .doing = "listing" };
	int e;

	if (*r->continue_token) {
		reflector_wait(r, 0);
		return;
	}
	e = reflector_end_list(r);
	if (e < 0) {
		reflector_abort_list(r);
		snprintf(outcome.message, sizeof(outcome.message),
			 "cannot take the list: %s", strerror(-e));
		fail(r, &outcome);
		return;
	}
	reflector_report_good(r);
	reflector_wait(r, 0);
	if (r->options.server->is_asked_once)
		r->due_us = INT64_MAX;
}

/* One that is over at once and brought nothing has failed. One that brought
   something may have been cut because it was too slow for all that happens: the
   next one comes at once, but a second after it at the soonest, or it would be
   a hot loop (L29). */
static void end_watch(struct reflector *r)
{
	struct outcome outcome = { .retry_after_s = -1, .doing = "watching" };
	int64_t lasted_us = clock_us() - r->began_us;

	if (lasted_us < SHORT_WATCH_US && r->status.n_events == r->had_events) {
		snprintf(outcome.message, sizeof(outcome.message),
			 "the watch was over at once, and brought nothing");
		fail_watch(r, &outcome);
		return;
	}
	r->n_watch_failures = 0;
	reflector_wait(
		r, lasted_us < SHORT_WATCH_US ? SHORT_WATCH_US - lasted_us : 0);
}

static void end_stream(struct reflector *r)
{
	struct outcome outcome = { .retry_after_s = -1, .doing = "listing" };

	snprintf(outcome.message, sizeof(outcome.message),
		 "the streaming list was over before its end");
	fail_stream(r, &outcome);
}

static void end_well(struct reflector *r, enum phase phase)
{
	if (phase == PHASE_LIST)
		end_page(r);
	else if (phase == PHASE_WATCH)
		end_watch(r);
	else
		end_stream(r);
}

static void end_badly(struct reflector *r, const struct outcome *outcome,
		      enum phase phase, bool was_paging)
{
	switch (outcome->code) {
	case 400:
	case 422:
		lose_option(r, outcome, phase);
		break;
	case 401:
		renew_token(r, outcome);
		break;
	case 403:
		fail(r, outcome);
		break;
	case 406:
		fail_slowly(r, outcome);
		break;
	case 404:
		be_absent(r, outcome);
		break;
	case 410:
		lose_history(r, outcome, was_paging);
		break;
	case 504:
		r->fresh |= outcome->is_too_large;
		fail_in(r, outcome, phase);
		break;
	default:
		fail_in(r, outcome, phase);
	}
}

/* Nobody was there to be asked: that is the server's state, not the
   request's. */
static bool was_not_reached(const struct http_end *end)
{
	return end->status == 0 &&
	       (end->error == -ECONNREFUSED || end->error == -EHOSTUNREACH ||
		end->error == -ENETUNREACH || end->error == -ETIMEDOUT);
}

void reflector_conclude(struct reflector *r, const struct http_end *end,
			const char *body, size_t body_len)
{
	struct outcome outcome = outcome_of(r, end, body, body_len);
	enum phase phase = r->phase;
	bool was_paging = *r->continue_token != '\0';

	if (outcome.code == 200) {
		if (phase == PHASE_STREAM)
			reflector_abort_list(r);
		end_well(r, phase);
		return;
	}
	reflector_abort_list(r);
	end_badly(r, &outcome, phase, was_paging);
	r->is_cut_off = was_not_reached(end);
	r->n_answers = r->options.server->n_answers;
}
