/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_SECRETS_H
#define NETPOLD_DAEMON_OBSERVE_WEB_SECRETS_H

#include "netpold/err.h"

struct web_options;
struct web_tls;
struct web_token;

/**
 * By which a server is known, and who asks it: each server has its own, since
 * they are of one thread at a time. All-zero: none.
 */
struct web_secrets {
	struct web_tls *tls;	 /* NULL: without TLS */
	struct web_token *token; /* NULL: everybody may ask */
};

/**
 * Read those that are named.
 *
 * Returns  0; a negative errno with a message that names the option, as
 *          web_tls_open() and web_token_open(). Close it in either case.
 */
int web_secrets_open(const struct web_options *options,
		     struct web_secrets *secrets, struct err *err);

void web_secrets_close(struct web_secrets *secrets);

#endif
