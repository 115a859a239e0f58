/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_SERVER_H
#define NETPOLD_DAEMON_OBSERVE_WEB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "observe/web_page.h"

struct web_address;
struct web_tls;

/**
 * Answers GET and HEAD over HTTP/1.1, by libmicrohttpd, in a thread of its own,
 * "web"; over TLS 1.2 and 1.3 where there is a certificate (web_tls.h).
 *
 * Who asks may be any pod, so all is bounded: connections in all and of each
 * address; the memory of each, in which its request has to fit; and how long
 * one may last, whether bytes drip in or not. Each connection is for one
 * request; what comes in its body is not read.
 */
struct web_server;

#define WEB_SERVER_CONNECTIONS 64
#define WEB_SERVER_CONNECTIONS_PER_ADDRESS 16

/** Request line and headers, and what the answer's headers need. */
#define WEB_SERVER_REQUEST_MAX 8192

/** How long a connection may last. */
#define WEB_SERVER_PATIENCE_MS 5000 /* less than WEB_TLS_KEEP_US */

struct web_server_options {
	const struct web_address *address;
	const char *what;    /* is told there, for the log: "metrics are" */
	const char *thread;  /* its name; NULL: "web" */
	struct web_tls *tls; /* outlives the server; NULL: without TLS */
	/* Another netpold that listens there is about to leave: wait for it. */
	bool is_patient;
	int64_t patience_ms; /* WEB_SERVER_PATIENCE_MS, but in tests */
	/* Called by the server's thread, one at a time. */
	void (*get)(void *ctx, const struct web_request *request,
		    struct web_page *out);
	void *ctx; /* outlives the server */
};

/**
 * Listen, and answer from then on. Signals that no thread is to take are
 * blocked by then.
 *
 * Returns  0; a negative errno with a message for the operator: as
 *          web_address_listen(), where nobody is waited for; of threads and
 *          descriptors.
 */
int web_server_start(const struct web_server_options *options,
		     struct web_server **out, struct err *err);

/** Drop all connections, and listen no more. NULL is fine. */
void web_server_stop(struct web_server *server);

#endif
