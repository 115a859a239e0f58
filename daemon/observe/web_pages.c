/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/web_pages.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fault.h"
#include "observe/exposition.h"
#include "observe/health.h"
#include "observe/status_board.h"
#include "observe/web_token.h"

#define COLLECT_EVERY_US INT64_C(1000000)

static void say_health(struct web_page *out, const struct health *health)
{
	web_page_say(out, health->good ? 200 : 503, health->why);
}

static void get_alive(struct web_pages *pages,
		      const struct web_request *request, struct web_page *out)
{
	int64_t alive_us =
		atomic_load_explicit(pages->alive_us, memory_order_relaxed);
	struct status status;
	struct health health;

	(void)request;
	status_board_get(pages->board, &status);
	health_check_alive(&status, alive_us, clock_us(), clock_wall_us(),
			   fault_number("health-patience", HEALTH_PATIENCE_S),
			   &health);
	say_health(out, &health);
}

static void get_ready(struct web_pages *pages,
		      const struct web_request *request, struct web_page *out)
{
	struct status status;
	struct health health;

	(void)request;
	status_board_get(pages->board, &status);
	health_check_ready(&status, clock_us(), &health);
	say_health(out, &health);
}

static void collect(struct web_pages *pages)
{
	int64_t now_us = clock_us();

	if (pages->exposition &&
	    now_us - pages->collected_us < COLLECT_EVERY_US)
		return;
	free(pages->exposition);
	pages->exposition =
		exposition_format(pages->metrics, &pages->exposition_len);
	pages->collected_us = now_us;
}

static void get_metrics(struct web_pages *pages,
			const struct web_request *request, struct web_page *out)
{
	if (pages->token &&
	    !web_token_fits(pages->token, request->authorization, clock_us())) {
		web_page_refuse(out, request->authorization);
		return;
	}
	collect(pages);
	if (!pages->exposition)
		return;
	out->status = 200;
	out->content_type = EXPOSITION_CONTENT_TYPE;
	out->len = pages->exposition_len;
	out->body = malloc(out->len);
	if (out->body)
		memcpy(out->body, pages->exposition, out->len);
}

void web_pages_get(void *ctx, const struct web_request *request,
		   struct web_page *out)
{
	static const struct {
		const char *path;
		void (*get)(struct web_pages *pages,
			    const struct web_request *request,
			    struct web_page *out);
	} rows[] = {
		{ "/healthz", get_alive },
		{ "/livez", get_alive },
		{ "/metrics", get_metrics },
		{ "/readyz", get_ready },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(request->path, rows[i].path) == 0) {
			rows[i].get(ctx, request, out);
			return;
		}
	}
	web_page_say(out, 404,
		     "expected /healthz, /livez, /readyz or /metrics");
}

void web_pages_release(struct web_pages *pages)
{
	free(pages->exposition);
	pages->exposition = NULL;
}
