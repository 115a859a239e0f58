/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_MEMO_H
#define NETPOLD_DAEMON_DATAPATH_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/snapshot.h"

/**
 * What the kernel finds a remembered answer by, as ipset's hash:ip,port,ip
 * reads it from a packet (NF-88): who asks whom, by which protocol, on which
 * port.
 *
 * @port  host order; of ICMP and ICMPv6: type and code
 *
 * Two of them are equal where their first MEMO_KEY_LEN bytes are.
 */
struct memo {
	struct ip_addr src;
	struct ip_addr dst;
	uint16_t port;
	uint8_t protocol;
};

#define MEMO_KEY_LEN 37

/** The answer to a question that is memorable (judge.h). */
struct memo memo_of(const struct flow_key *key);

/** The question that it answers. */
struct flow_key memo_question(const struct memo *memo);

bool memo_equal(const struct memo *a, const struct memo *b);

#endif
