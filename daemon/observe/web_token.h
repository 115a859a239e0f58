/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_TOKEN_H
#define NETPOLD_DAEMON_OBSERVE_WEB_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * The secret word that who asks for metrics has to know (RFC 6750), in a file
 * that is read again: after a minute, and, once a second at most, when somebody
 * comes with another one.
 *
 * Threads  one at a time.
 */
struct web_token;

/** The longest: half of what a request may have (WEB_SERVER_REQUEST_MAX), since
 *  the rest of it needs room, too. */
#define WEB_TOKEN_MAX 4096

/**
 * @now_us  clock_us()
 *
 * Returns  0; -E2BIG where it is longer than WEB_TOKEN_MAX; a negative errno,
 *          as token_open(); with a message for the operator.
 */
int web_token_open(const char *path, int64_t now_us, struct web_token **out,
		   struct err *err);

/** NULL is fine. */
void web_token_close(struct web_token *token);

/**
 * Whether a request's header Authorization holds it: "Bearer" and the word. How
 * long that takes does not depend on how much of it is right.
 *
 * @authorization  NULL: the request has none
 */
bool web_token_fits(struct web_token *token, const char *authorization,
		    int64_t now_us);

#endif
