/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_REJECT_H
#define NETPOLD_DAEMON_DATAPATH_REJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/packet.h"

/**
 * Tells senders that their packets are refused (--deny=reject, L18), so that
 * they need not wait for a time-out.
 *
 * The REJECT target of iptables cannot be used where packets are judged, so
 * refusals leave through raw sockets, with a mark by which the rules let them
 * pass. They are limited, as RFC 1812 §4.3.2.8 wants it: beyond REJECT_RATE a
 * second, of each worker, packets are dropped in silence.
 *
 * A client that has called a Service by its address is not told: what it would
 * take for its own connection comes from that address, which the packet does
 * not show any more.
 *
 * Threads  owning worker only.
 */
struct reject;

#define REJECT_RATE 1000 /* a second */
#define REJECT_BURST 200

/**
 * @mark  packet mark of what is sent
 *
 * Returns  0; -EPERM without CAP_NET_RAW; another negative errno.
 */
int reject_open(uint32_t mark, struct reject **out, struct err *err);

/** NULL is fine. */
void reject_close(struct reject *reject);

/**
 * Refuse a packet, without waiting.
 *
 * @data, @len  its first bytes, from which @packet was parsed
 * @now_ms      a steady clock; may wrap around
 *
 * Returns  whether its sender was told.
 */
bool reject_packet(struct reject *reject, const uint8_t *data, size_t len,
		   const struct packet *packet, uint32_t now_ms);

#endif
