/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOW_WORDS_H
#define NETPOLD_DAEMON_FLOW_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/arena.h"
#include "netpold/err.h"

/**
 * A flow as people name it: pods by their names, ports by theirs. What it
 * stands for, a cluster says (question.h).
 *
 * Strings are not checked beyond what is said here, and belong to whoever set
 * them.
 */
struct flow_words {
	const char *from; /* NAMESPACE/POD, or an address */
	const char *to;
	uint8_t protocol;
	bool has_number;
	uint16_t number;       /* the port, where has_number */
	const char *port_name; /* of the receiver's; NULL: none */
	enum ip_family family; /* IP_NONE: the one that both have, IPv4 first */
};

/** A protocol by its name, upper and lower case alike, or its number. */
int protocol_read(const char *text, uint8_t *out, struct err *err);

/**
 * Read a port: "80/TCP", "80", "http", "http/UDP", "ICMP", "ICMPv6", or "/47"
 * for a protocol by its number. Without a protocol it is TCP.
 *
 * @arena  where the name goes
 *
 * Returns  0 with the port and the protocol set; -EINVAL; -ENOMEM.
 */
int flow_words_read_port(const char *text, struct arena *arena,
			 struct flow_words *out, struct err *err);

/** Returns 0; -EINVAL where the protocol lacks its port, or cannot have one. */
int flow_words_check_port(const struct flow_words *words, struct err *err);

#endif
