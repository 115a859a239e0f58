/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_SERVER_URL_H
#define NETPOLD_DAEMON_KUBE_SERVER_URL_H

#include <stdbool.h>

#include "plain_text.h"

/**
 * The URL of an API server, in its parts: https://HOST[:PORT][/PREFIX]
 * (API-64). Whatever else a URL can have (a user, a query, a fragment) is
 * refused: nothing of it would reach the server.
 *
 * Owns its strings.
 */
struct server_url {
	char *text;   /* all of it, without a slash at its end */
	char *scheme; /* "http" or "https" */
	char *host;   /* IPv6 addresses in brackets */
	char *port;   /* that of the scheme where none was written */
	char *prefix; /* "" or "/…", without a slash at its end */
};

/** What server_url_parse() takes, for messages. */
#define SERVER_URL_EXPECTED "a URL like https://HOST:PORT"

/** Returns 0, -EINVAL or -ENOMEM; then there is nothing to release. */
int server_url_parse(const char *text, struct server_url *out);

/** What was found in place of one, for a message: a password that may stand in
 *  it, as all before '@', is left out. Returns @out. */
const char *server_url_show(const char *text, char out[PLAIN_TEXT_LEN]);

/** All-zero is fine. */
void server_url_release(struct server_url *url);

/** Whether nobody on the way can listen: TLS, or this very machine. */
bool server_url_is_private(const struct server_url *url);

#endif
