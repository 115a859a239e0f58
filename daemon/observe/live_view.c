/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/live_view.h"

#include <errno.h>
#include <stdlib.h>

#include "netpold/cleanup.h"

#include "observe/live_pages.h"
#include "observe/web_options.h"
#include "observe/web_secrets.h"
#include "observe/web_server.h"

struct live_view {
	struct web_secrets secrets;
	struct web_server *server;
	struct live_pages pages; /* its thread's */
};

static void live_view_stopp(struct live_view **view)
{
	live_view_stop(*view);
}

int live_view_start(const struct live_view_options *options,
		    struct live_view **out, struct err *err)
{
	CLEANUP(live_view_stopp) struct live_view *view = NULL;
	struct web_server_options server = {
		.address = &options->web->page_address,
		.what = "the page for people is",
		.thread = "page",
		.is_patient = options->is_patient,
		.patience_ms = WEB_SERVER_PATIENCE_MS,
		.get = live_pages_get,
	};
	int r;

	view = calloc(1, sizeof(*view));
	if (!view)
		return err_set(err, -ENOMEM, "no memory for a page");
	r = web_secrets_open(options->web, &view->secrets, err);
	if (r < 0)
		return r;
	view->pages = (struct live_pages){
		.state = { .board = options->board,
			   .metrics = options->metrics,
			   .watch = options->watch },
		.token = view->secrets.token,
	};
	if (live_policy_write(view->pages.policy) < 0)
		return err_set(err, -ENOMEM, "no memory for a page");
	server.tls = view->secrets.tls;
	server.ctx = &view->pages;
	r = web_server_start(&server, &view->server, err);
	if (r < 0)
		return r;
	*out = view;
	view = NULL;
	return 0;
}

void live_view_stop(struct live_view *view)
{
	if (!view)
		return;
	web_server_stop(view->server);
	web_secrets_close(&view->secrets);
	live_pages_release(&view->pages);
	free(view);
}
