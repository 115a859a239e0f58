/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_PAGES_H
#define NETPOLD_DAEMON_OBSERVE_WEB_PAGES_H

#include <stdint.h>

#include "observe/web_page.h"

struct metrics;
struct status_board;
struct web_token;

/**
 * What is told over HTTP:
 *
 *	/livez, /healthz   200, or 503 where the control loop is stuck
 *	/readyz            200, or 503 while nothing that was read is in force
 *	/metrics           all metrics, for Prometheus
 *
 * The first three are one line that says why (health.h), and are for everybody:
 * a kubelet has no token. Where there is one, metrics are for who knows it.
 *
 * Metrics are collected once a second at most, whoever asks: some of them have
 * to be asked of another program, once in five seconds. Where somebody else
 * keeps its lock that takes two seconds, for which all other questions wait,
 * too; a kubelet gives up after three of those, ten seconds apart.
 */
struct web_pages {
	/* set before the first page is asked for; they outlive the last */
	struct status_board *board;
	struct metrics *metrics;
	const _Atomic int64_t *alive_us; /* of the control loop, steady */
	struct web_token *token;	 /* NULL: everybody may read metrics */
	/* of who asks, one at a time */
	char *exposition; /* of a moment ago; NULL: none yet */
	size_t exposition_len;
	int64_t collected_us;
};

/** @ctx  a struct web_pages */
void web_pages_get(void *ctx, const struct web_request *request,
		   struct web_page *out);

void web_pages_release(struct web_pages *pages);

#endif
