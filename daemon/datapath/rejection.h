/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_REJECTION_H
#define NETPOLD_DAEMON_DATAPATH_REJECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/packet.h"

/** As much of a rejected packet as is quoted to its sender: never more than the
 *  packet itself was. */
#define REJECTION_QUOTE_MAX 512
#define REJECTION_MAX (40 + 8 + REJECTION_QUOTE_MAX)

/** A packet that tells a sender that his was refused: from the IP header on, in
 *  the name of who he has called. */
struct rejection {
	struct ip_addr to;
	size_t len;
	uint8_t data[REJECTION_MAX];
};

/**
 * Write the refusal of a packet: for TCP a reset (RFC 9293 §3.5.2), for
 * everything else an ICMP error, administratively prohibited (RFC 1812
 * §5.2.7.1, RFC 4443 §3.1).
 *
 * @data, @len  its first bytes, from which @packet was parsed
 *
 * Returns  false where none may be sent, or nobody waits for it: about resets,
 *          ICMP but echo requests, fragments that are not the first, and what
 *          comes from or goes to more than one (RFC 1122 §3.2.2, RFC 4443
 *          §2.4).
 * Threads  any.
 */
bool rejection_write(const uint8_t *data, size_t len,
		     const struct packet *packet, struct rejection *out);

#endif
