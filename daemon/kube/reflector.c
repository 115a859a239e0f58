/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/reflector_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define US_PER_S INT64_C(1000000)

/* How long a watch may last (API-20), and how much longer it may be silent
   before it counts as dead (API-29). */
enum { WATCH_MIN_S = 300, WATCH_MAX_S = 600, SILENCE_S = 30 };
enum { LIST_SILENCE_S = 120, BOOKMARK_SILENCE_S = 150 };

enum { PAGE_SIZE = 500 };

/* ---- small things -------------------------------------------------------- */

int reflector_set(char **where, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

/* xorshift64*: nothing here is a secret. */
uint32_t reflector_random(struct reflector *r)
{
	r->random ^= r->random >> 12;
	r->random ^= r->random << 25;
	r->random ^= r->random >> 27;
	return (uint32_t)(r->random * UINT64_C(0x2545F4914F6CDD1D) >> 32);
}

void reflector_wait(struct reflector *r, int64_t us)
{
	r->phase = PHASE_WAIT;
	r->is_cut_off = false;
	r->due_us = clock_us() + us;
}

/* Once for an object, however often it is read. */
static void tell_of_mode(struct reflector *r, const struct finding *finding,
			 const char *text)
{
	struct name_set *told = &r->odd_modes;

	if (name_set_has(told, finding->namespace, finding->name))
		return;
	log_warning("%s: it is enforced", text);
	/* Without memory it is told again. */
	name_set_put(told, finding->namespace, finding->name);
}

static void report_finding(void *ctx, const struct finding *finding)
{
	struct reflector *r = ctx;
	const struct reflector_server *server = r->options.server;
	char text[1024];

	if (server->report) {
		server->report(server->report_ctx, finding);
		return;
	}
	finding_format(finding, text, sizeof(text));
	if (finding->code == FINDING_UNKNOWN_MODE)
		tell_of_mode(r, finding, text);
	else if (finding->severity == FINDING_ERROR)
		log_error("%s: it is not in force as it stands", text);
}

/* ---- a list -------------------------------------------------------------- */

static int begin_list(struct reflector *r)
{
	if (r->is_listing)
		return 0;
	r->is_listing = true;
	return r->options.sink->begin(r->options.sink->ctx, r->options.which);
}

int reflector_end_list(struct reflector *r)
{
	int e = r->options.sink->end(r->options.sink->ctx, r->options.which);

	if (e < 0)
		return e;
	r->is_listing = r->needs_list = r->fresh = r->unlimited = false;
	r->n_watch_failures = r->n_stream_failures = 0;
	r->status.is_synced = r->status.is_served = true;
	r->status.heard_us = clock_us();
	r->status.n_lists++;
	return 0;
}

void reflector_abort_list(struct reflector *r)
{
	if (r->is_listing)
		r->options.sink->abort(r->options.sink->ctx, r->options.which);
	r->is_listing = false;
	if (r->continue_token)
		*r->continue_token = '\0';
}

/* ---- what comes ---------------------------------------------------------- */

static int take(struct reflector *r, const struct api_event *event)
{
	int e = r->options.sink->take(r->options.sink->ctx, r->options.which,
				      event, r->is_listing);

	r->n_page_items++;
	/* The version of an item is not that of its list. */
	if (e < 0 || r->phase != PHASE_WATCH)
		return e;
	r->status.n_events++;
	r->status.heard_us = clock_us();
	return *event->resource_version
		       ? reflector_set(&r->version, event->resource_version)
		       : 0;
}

/* The stream goes on as a watch. */
static int begin_watch(struct reflector *r)
{
	int e = reflector_end_list(r);

	if (e < 0)
		return e;
	r->phase = PHASE_WATCH;
	r->status.n_watches++;
	reflector_report_good(r);
	return 0;
}

/* A bookmark before the mark: the server streams no list, it just watches
   (API-31). */
static int take_bookmark(struct reflector *r, const struct api_event *event)
{
	int e;

	if (r->phase == PHASE_STREAM && !event->is_initial_end) {
		r->said = (struct said){ .code = 422 };
		return err_set(&r->broken, -EPROTO,
			       "the server does not stream lists");
	}
	/* Where a watch would begin has to be known. */
	if (!*event->resource_version)
		return err_set(&r->broken, -EBADMSG,
			       "a bookmark without a resourceVersion");
	e = reflector_set(&r->version, event->resource_version);
	if (e == 0 && r->phase == PHASE_STREAM)
		e = begin_watch(r);
	else
		r->has_bookmarks = true;
	r->status.heard_us = clock_us();
	return e;
}

/* Pages that bring nothing, or go on where they were, have no end (L29). */
static bool is_endless(const struct reflector *r, const struct api_event *event)
{
	return *event->continue_token &&
	       (r->n_page_items == 0 ||
		strcmp(event->continue_token, r->continue_token) == 0);
}

static int take_list_end(struct reflector *r, const struct api_event *event)
{
	int e = 0;

	r->list_ended = true;
	if (is_endless(r, event)) {
		r->unlimited = true;
		return err_set(&r->broken, -EBADMSG,
			       "a list in pages that does not end");
	}
	if (!*event->resource_version)
		return err_set(&r->broken, -EBADMSG,
			       "a list without a resourceVersion");
	e = reflector_set(&r->version, event->resource_version);
	if (e == 0)
		e = reflector_set(&r->continue_token, event->continue_token);
	return e;
}

static int take_error(struct reflector *r, const struct api_event *event)
{
	const struct api_status *status = event->status;

	r->said = (struct said){
		.code = status->code ? status->code : 500,
		.retry_after_s =
			status->retry_after_s ? status->retry_after_s : -1,
		.is_too_large = status->is_too_large,
	};
	return err_set(&r->broken, -ECANCELED, "%d %s: %s", r->said.code,
		       status->reason, status->message);
}

static int on_event(void *ctx, const struct api_event *event)
{
	struct reflector *r = ctx;

	switch (event->type) {
	case API_ITEM:
	case API_ADDED:
	case API_MODIFIED:
	case API_DELETED:
		return take(r, event);
	case API_LIST_END:
		return take_list_end(r, event);
	case API_BOOKMARK:
		return take_bookmark(r, event);
	case API_ERROR:
		return take_error(r, event);
	case API_UNKNOWN:
		break;
	}
	return 0;
}

/* ---- an answer ----------------------------------------------------------- */

static int on_begin(void *ctx, const char *content_type)
{
	static const char json[] = "application/json";
	struct reflector *r = ctx;
	struct api_reader_options options = {
		.form = r->phase == PHASE_LIST ? API_LIST : API_WATCH,
		.kind = r->resource->kind,
		.names_only = r->resource->is_extra,
		.source = r->source,
		.event = on_event,
		.event_ctx = r,
		.report = report_finding,
		.report_ctx = r,
	};

	if (strncmp(content_type, json, sizeof(json) - 1) != 0)
		return err_set(&r->broken, -EPROTO,
			       "expected an answer of type %s, found '%.60s'",
			       json, content_type);
	if (r->phase != PHASE_WATCH && begin_list(r) < 0)
		return -ENOMEM;
	r->renewed = false;
	r->options.server->n_answers++;
	r->has_begun = true;
	r->active_us = clock_us();
	/* A watch stands once it is answered; a list, once it is whole. */
	if (r->phase == PHASE_WATCH) {
		r->status.heard_us = r->active_us;
		r->status.n_watches++;
		reflector_report_good(r);
	}
	return api_reader_new(&options, &r->reader);
}

static int on_body(void *ctx, const char *bytes, size_t len)
{
	struct reflector *r = ctx;
	struct err err = { 0 };
	int e;

	r->active_us = clock_us();
	e = api_reader_feed(r->reader, bytes, len, &err);
	/* The reader may know better what was wrong, or we do. */
	if (e < 0 && !r->broken.code)
		r->broken = err;
	if (e < 0 && !r->broken.code)
		err_set(&r->broken, e, "%s", strerror(-e));
	return e;
}

static void on_end(void *ctx, const struct http_end *end, const char *body,
		   size_t body_len)
{
	struct reflector *r = ctx;

	r->call = NULL;
	if (r->reader && end->error == 0 && !r->broken.code)
		api_reader_end(r->reader, &r->broken);
	api_reader_free(r->reader);
	r->reader = NULL;
	reflector_conclude(r, end, body, body_len);
}

/* ---- asking -------------------------------------------------------------- */

static enum phase next_phase(const struct reflector *r, int64_t now_us)
{
	if (!r->needs_list)
		return PHASE_WATCH;
	/* A server without a fresh history has no stream of it either; and who
	   asks once need not be allowed to watch (API-1). */
	if (now_us < r->options.server->no_streaming_until_us ||
	    r->options.server->is_asked_once || *r->continue_token ||
	    r->unlimited)
		return PHASE_LIST;
	return PHASE_STREAM;
}

/* API-15: the first list may be of any version, a later one not older than what
   was seen. */
static struct resource_query query_of(struct reflector *r)
{
	bool is_list = r->phase == PHASE_LIST;
	bool known = *r->version && !(r->needs_list && r->fresh);
	struct resource_query query = {
		.is_watch = !is_list,
		.initial_events = r->phase == PHASE_STREAM,
		.version = known ? r->version : "",
		.continue_token = is_list ? r->continue_token : "",
		.timeout_s = r->timeout_s,
	};

	if (is_list) {
		query.limit = r->unlimited ? 0 : PAGE_SIZE;
		query.not_older = known && !*r->continue_token;
		if (!known && !r->fresh)
			query.version = "0";
	}
	return query;
}

static struct http_call *begin_call(struct reflector *r)
{
	struct resource_query query = query_of(r);
	char *path =
		resource_request(r->resource, r->options.node_name, &query);
	struct http_get get = {
		.path = path,
		.accept = resource_accept(r->resource, r->phase == PHASE_LIST),
		.begin = on_begin,
		.body = on_body,
		.end = on_end,
		.ctx = r,
	};
	struct http_call *call =
		path ? http_begin(r->options.http, &get) : NULL;

	free(path);
	return call;
}

void reflector_ask(struct reflector *r, int64_t now_us)
{
	r->phase = next_phase(r, now_us);
	r->broken = (struct err){ 0 };
	r->said = (struct said){ 0 };
	r->list_ended = false;
	r->has_begun = false;
	r->n_page_items = 0;
	r->began_us = r->active_us = now_us;
	r->had_events = r->status.n_events;
	r->timeout_s = WATCH_MIN_S +
		       (int)(reflector_random(r) % (WATCH_MAX_S - WATCH_MIN_S));
	r->call = begin_call(r);
	if (!r->call) {
		reflector_wait(r, US_PER_S);
		return;
	}
	r->token_edition = http_token_edition(r->options.http);
	r->status.n_requests++;
}

/* ---- time ---------------------------------------------------------------- */

/* Silent for so long, a watch is dead; a server that sends bookmarks does so
   once a minute (API-22), and is missed sooner. A stream that says nothing for
   SILENCE_S has no end mark in it. A list may wait its turn at the server
   (API-51). */
static int64_t dead_us(const struct reflector *r)
{
	int64_t silence_s = SILENCE_S;

	if (r->phase == PHASE_LIST)
		silence_s = LIST_SILENCE_S;
	else if (r->phase == PHASE_WATCH && r->has_bookmarks)
		silence_s = BOOKMARK_SILENCE_S;
	else if (r->phase == PHASE_WATCH)
		silence_s += r->timeout_s;
	return r->active_us + silence_s * US_PER_S;
}

static void end_silence(struct reflector *r)
{
	struct http_end end = { .error = -ETIME, .retry_after_s = -1 };

	snprintf(end.message, sizeof(end.message),
		 "nothing has come for too long");
	http_cancel(r->call);
	r->call = NULL;
	api_reader_free(r->reader);
	r->reader = NULL;
	reflector_conclude(r, &end, "", 0);
}

int64_t reflector_due_us(const struct reflector *reflector)
{
	if (reflector->phase != PHASE_WAIT)
		return dead_us(reflector);
	/* Another resource has got through. */
	if (reflector->is_cut_off &&
	    reflector->n_answers != reflector->options.server->n_answers)
		return 0;
	return reflector->due_us;
}

void reflector_work(struct reflector *reflector, int64_t now_us)
{
	if (now_us < reflector_due_us(reflector))
		return;
	if (reflector->phase == PHASE_WAIT)
		reflector_ask(reflector, now_us);
	else
		end_silence(reflector);
}

void reflector_hurry(struct reflector *reflector)
{
	if (reflector->phase == PHASE_WAIT)
		reflector->due_us = 0;
}

/* ---- life ---------------------------------------------------------------- */

const struct kube_resource_status *
reflector_status(const struct reflector *reflector)
{
	return &reflector->status;
}

int reflector_new(const struct reflector_options *options,
		  struct reflector **out)
{
	struct reflector *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->options = *options;
	r->resource = resource_of(options->which);
	r->random = options->seed;
	r->needs_list = true;
	/* A person who asks has just changed something. */
	r->fresh = options->server->is_asked_once;
	r->status.is_served = true;
	snprintf(r->source, sizeof(r->source), "%s of %s",
		 kube_resource_name(options->which), options->server->name);
	if (reflector_set(&r->version, "") < 0 ||
	    reflector_set(&r->continue_token, "") < 0) {
		reflector_free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void reflector_free(struct reflector *reflector)
{
	if (!reflector)
		return;
	http_cancel(reflector->call);
	api_reader_free(reflector->reader);
	reflector_abort_list(reflector);
	name_set_clear(&reflector->odd_modes);
	free(reflector->version);
	free(reflector->continue_token);
	free(reflector);
}
