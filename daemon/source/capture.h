/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_CAPTURE_H
#define NETPOLD_DAEMON_SOURCE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * The IP packets of a capture file, one after the other.
 *
 * pcap and pcapng, as libpcap reads them; Ethernet, Linux cooked captures
 * (both versions), loopback and raw IP. VLAN tags are stepped over. A capture
 * is streamed: one packet is in memory at a time.
 *
 * Threads  one at a time.
 */
struct capture;

enum capture_kind {
	CAPTURE_END = 0, /* the file ends as it should */
	CAPTURE_IP,	 /* ip and len are an IP packet, possibly cut */
	CAPTURE_NOT_IP,	 /* another protocol: ARP and its like */
	CAPTURE_CUT,	 /* too short to say what it is */
};

struct capture_packet {
	const uint8_t *ip; /* until the next call; from the IP header on */
	size_t len;	   /* bytes that were captured of it */
	int64_t time_ns;   /* since 1970 */
};

/**
 * Open a file; "-" is standard input.
 *
 * Returns  0 with a capture that the caller closes; -EINVAL where it is no
 *          capture, or of a link type that is not known; another negative
 *          errno where it cannot be read.
 */
int capture_open(const char *path, struct capture **out, struct err *err);

/** NULL is fine. */
void capture_close(struct capture *capture);
void capture_closep(struct capture **capture);

/**
 * Read the next packet.
 *
 * Returns  an enum capture_kind; -EIO where the file breaks off or goes wrong.
 *          What was read until then stands.
 */
int capture_next(struct capture *capture, struct capture_packet *out,
		 struct err *err);

#endif
