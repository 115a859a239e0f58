/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_ADDRESS_H
#define NETPOLD_DAEMON_OBSERVE_WEB_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "netpold/err.h"

/**
 * Where to listen for HTTP: a plain value, all-zero for nowhere.
 *
 *	127.0.0.1:9500   one address
 *	[::1]:9500       one of IPv6
 *	:9500            all of the node's, of both families
 *
 * Names of hosts are none of these: what they mean depends on who is asked.
 */
#define WEB_ADDRESS_TEXT_LEN 72

struct web_address {
	struct sockaddr_storage where; /* ss_family is 0: nowhere */
	socklen_t len;
	char text[WEB_ADDRESS_TEXT_LEN]; /* as it was given */
};

/** 0; -EINVAL with a message that says what was expected. */
int web_address_parse(const char *text, struct web_address *out,
		      struct err *err);

/** Whether nobody but this node reaches it. */
bool web_address_is_loopback(const struct web_address *address);

/** Whether its port takes a privilege: CAP_NET_BIND_SERVICE. */
bool web_address_is_low(const struct web_address *address);

/**
 * Listen there.
 *
 * Returns  a descriptor, which does not block; -EADDRINUSE where another
 *          program, or another netpold, does; another negative errno; each with
 *          a message for the operator.
 */
int web_address_listen(const struct web_address *address, struct err *err);

#endif
