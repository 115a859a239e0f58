/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/live_pages.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "netpold/addr.h"

#include "clock.h"
#include "current.h"
#include "json_text.h"
#include "observe/live_pods.h"
#include "observe/web_token.h"
#include "page/page.h"

#define COLLECT_EVERY_US INT64_C(500000)

/* ---- who asks ------------------------------------------------------------ */

/* "127.0.0.1:9501", "[::1]:9501", "localhost". */
static bool is_address(const char *host)
{
	const char *begin = *host == '[' ? host + 1 : host;
	size_t len = strcspn(begin, *host == '[' ? "]" : ":");
	struct ip_addr ignored;

	return (len == 9 && strncasecmp(begin, "localhost", len) == 0) ||
	       ip_addr_parse(begin, len, &ignored) == 0;
}

/* False where the answer is a refusal. */
static bool lets_in(const struct live_pages *pages,
		    const struct web_request *request, struct web_page *out)
{
	if (pages->token &&
	    !web_token_fits(pages->token, request->authorization, clock_us())) {
		web_page_refuse(out, request->authorization);
		return false;
	}
	if (pages->token || !request->host || is_address(request->host))
		return true;
	web_page_say(out, 403, "expected an address, or localhost, as host");
	return false;
}

/* ---- what is told -------------------------------------------------------- */

static void give(const struct live_text *text, struct web_page *out)
{
	out->status = 200;
	out->content_type = "application/json";
	out->policy = "default-src 'none'";
	out->len = text->len;
	out->body = malloc(text->len);
	if (out->body)
		memcpy(out->body, text->data, text->len);
}

static void take(struct live_text *text, char *data, size_t len)
{
	free(text->data);
	*text = (struct live_text){ .data = data, .len = len };
}

static void collect_state(struct live_pages *pages, int64_t now_us)
{
	json_t *json;
	char *data;

	if (pages->told.data && now_us - pages->told_us < COLLECT_EVERY_US)
		return;
	json = live_state_to_json(&pages->state, now_us);
	data = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	take(&pages->told, data, data ? strlen(data) : 0);
	pages->told_us = now_us;
}

static void collect_pods(struct live_pages *pages)
{
	struct json_text text = { 0 };
	uint64_t number = current_number();

	if (pages->pods.data && number == pages->pods_number)
		return;
	if (live_pods_write(&text) < 0) {
		json_text_release(&text);
		take(&pages->pods, NULL, 0);
		return;
	}
	take(&pages->pods, text.data, text.len);
	pages->pods_number = number;
}

static void get_state(struct live_pages *pages,
		      const struct web_request *request, struct web_page *out)
{
	if (!lets_in(pages, request, out))
		return;
	collect_state(pages, clock_us());
	if (pages->told.data)
		give(&pages->told, out);
}

static void get_pods(struct live_pages *pages,
		     const struct web_request *request, struct web_page *out)
{
	if (!lets_in(pages, request, out))
		return;
	collect_pods(pages);
	if (pages->pods.data)
		give(&pages->pods, out);
}

static void get_page(struct live_pages *pages,
		     const struct web_request *request, struct web_page *out)
{
	FILE *file = open_memstream(&out->body, &out->len);

	(void)request;
	if (!file)
		return;
	page_write_live(file);
	if (fclose(file) != 0) {
		free(out->body);
		out->body = NULL;
	}
	out->status = 200;
	out->content_type = "text/html; charset=utf-8";
	out->policy = pages->policy;
}

void live_pages_get(void *ctx, const struct web_request *request,
		    struct web_page *out)
{
	static const struct {
		const char *path;
		void (*get)(struct live_pages *pages,
			    const struct web_request *request,
			    struct web_page *out);
	} rows[] = {
		{ "/", get_page },
		{ "/pods.json", get_pods },
		{ "/state.json", get_state },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(request->path, rows[i].path) == 0) {
			rows[i].get(ctx, request, out);
			return;
		}
	}
	web_page_say(out, 404, "expected /, /state.json or /pods.json");
}

void live_pages_release(struct live_pages *pages)
{
	take(&pages->told, NULL, 0);
	take(&pages->pods, NULL, 0);
	live_state_release(&pages->state);
}
