/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "clock.h"
#include "kube/http.h"
#include "kube/http_parts.h"
#include "kube/retry_after.h"

#define MAX_HEAD 65536 /* bytes; what an API server sends has about 500 */
#define MAX_BODY 65536 /* of an answer that is no success */

/* ---- the answer as it comes ---------------------------------------------- */

/* What a callback returns to make libcurl stop. */
/* Of HTTP/2 libcurl would keep the connection, on which the server may go on:
   that it need not, it would be told with the next call. */
static void leave_connection(struct http_call *call)
{
	curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
}

static size_t break_off(struct http_call *call, int error)
{
	leave_connection(call);
	call->broken = error;
	return 0;
}

static size_t end_head(struct http_call *call, size_t len)
{
	const char *type = NULL;
	long status = 0;
	int r = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return len; /* "continue": the real one is to come */
	call->status = status;
	curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
	if (status == 200 && call->get.begin)
		r = call->get.begin(call->get.ctx, type ? type : "");
	return r < 0 ? break_off(call, r) : len;
}

/* The value of a line of the head, which is cut behind it; NULL: another field.
 */
static char *value_of(char *line, const char *field)
{
	size_t len = strlen(field);

	if (strncasecmp(line, field, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	line += strspn(line, " \t");
	len = strlen(line);
	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		line[--len] = '\0';
	return line;
}

static void read_line(struct http_call *call, const char *bytes, size_t len)
{
	char line[128]; /* longer ones say nothing that is wanted */
	const char *value;

	if (len >= sizeof(line))
		return;
	memcpy(line, bytes, len);
	line[len] = '\0';
	value = value_of(line, "retry-after");
	if (value)
		call->retry_after_s = retry_after_read(value, clock_wall_us());
}

size_t http_call_head(char *bytes, size_t size, size_t n, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * n;

	if (call->is_cancelled)
		return 0;
	call->heard_us = clock_us();
	call->head_len += len;
	if (call->head_len > MAX_HEAD)
		return break_off(call, -EMSGSIZE);
	if (call->status != 0)
		return len; /* a trailer */
	if (len <= 2 && (*bytes == '\r' || *bytes == '\n'))
		return end_head(call, len);
	read_line(call, bytes, len);
	return len;
}

/* Of what is no success: the first of it, for a message. */
static size_t keep(struct http_call *call, const char *bytes, size_t len)
{
	size_t room = MAX_BODY - call->body_len;

	if (!call->body)
		call->body = malloc(MAX_BODY);
	if (!call->body)
		return break_off(call, -ENOMEM);
	call->is_cut = len > room;
	if (call->is_cut)
		leave_connection(call);
	memcpy(call->body + call->body_len, bytes, len < room ? len : room);
	call->body_len += len < room ? len : room;
	return call->is_cut ? 0 : len;
}

size_t http_call_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * n;
	int r = 0;

	if (call->is_cancelled)
		return 0;
	call->heard_us = clock_us();
	call->http->n_received += len;
	if (call->status != 200)
		return keep(call, bytes, len);
	if (call->get.body)
		r = call->get.body(call->get.ctx, bytes, len);
	return r < 0 ? break_off(call, r) : len;
}

/* ---- beginnings and ends ------------------------------------------------- */

static void link_call(struct http_call *call)
{
	struct http *http = call->http;

	call->next = http->calls;
	call->back = &http->calls;
	if (call->next)
		call->next->back = &call->next;
	http->calls = call;
}

static void unlink_call(struct http_call *call)
{
	if (call->is_added)
		curl_multi_remove_handle(call->http->multi, call->easy);
	call->is_added = false;
	if (!call->back)
		return;
	*call->back = call->next;
	if (call->next)
		call->next->back = call->back;
	call->back = NULL;
}

void http_call_free(struct http_call *call)
{
	if (!call)
		return;
	unlink_call(call);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	free(call->body);
	free(call);
}

bool http_call_add(struct http_call *call)
{
	call->is_added = curl_multi_add_handle(call->http->multi, call->easy) ==
			 CURLM_OK;
	return call->is_added;
}

void http_call_finish(struct http_call *call, CURLcode code)
{
	struct http_end end = {
		.status = call->status,
		.retry_after_s = call->retry_after_s,
	};

	if ((code != CURLE_OK || call->status == 0) && !call->is_cut)
		http_failure_tell(call, code, &end);
	unlink_call(call);
	call->get.end(call->get.ctx, &end, call->body ? call->body : "",
		      call->body_len);
	http_call_free(call);
}

struct http_call *http_begin(struct http *http, const struct http_get *get)
{
	struct http_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->http = http;
	call->get = *get;
	call->get.path = call->get.accept = NULL; /* the caller's */
	call->retry_after_s = -1;
	call->begun_us = clock_us();
	call->easy = curl_easy_init();
	if (!call->easy || !http_options_set(call, get) ||
	    (!http->is_inside && !http_call_add(call))) {
		http_call_free(call);
		return NULL;
	}
	link_call(call);
	return call;
}

/* ---- cancelling ---------------------------------------------------------- */

/*
 * Keepalive says that a machine is there, not that the server is: between them
 * may be a proxy that has lost its own other end (API-29).
 */
void http_cancel(struct http_call *call)
{
	if (!call)
		return;
	leave_connection(call);
	call->is_cancelled = true;
	if (!call->http->is_inside)
		http_call_free(call);
}
