/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_LIVE_VIEW_H
#define NETPOLD_DAEMON_OBSERVE_LIVE_VIEW_H

#include <stdbool.h>

#include "netpold/err.h"

struct flow_watch;
struct metrics;
struct status_board;
struct web_options;

/**
 * The page for people, served: live_pages.h, at an address of its own, in a
 * thread of its own, so that who looks at it keeps no probe and no Prometheus
 * waiting. Certificate and token are those of metrics.
 */
struct live_view;

struct live_view_options {
	const struct web_options *web; /* its page_address is one */
	/* They outlive the view. */
	struct status_board *board;
	struct metrics *metrics;
	_Atomic(struct flow_watch *) *watch; /* NULL in it: not yet */
	bool is_patient; /* as in struct web_server_options */
};

/**
 * Answer from then on. Signals that no thread is to take are blocked by then.
 *
 * Returns  as web_server_start(), web_tls_open() and web_token_open().
 */
int live_view_start(const struct live_view_options *options,
		    struct live_view **out, struct err *err);

/** NULL is fine. */
void live_view_stop(struct live_view *view);

#endif
