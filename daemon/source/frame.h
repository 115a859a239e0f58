/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_FRAME_H
#define NETPOLD_DAEMON_SOURCE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What stands before the IP packet of a captured frame: Ethernet, Linux cooked
 * (both versions), loopback or nothing, and VLAN tags. And, for who wants to
 * look inside, what a tunnel puts before the packet that it carries.
 *
 * Whoever sends a frame chooses its bytes: each length is checked before it is
 * used, and nothing is allocated.
 */
struct frame {
	const uint8_t *at; /* what is left of it */
	size_t len;
};

enum frame_kind {
	FRAME_IP = 0, /* what is left is an IP packet, possibly cut */
	FRAME_NOT_IP, /* another protocol: ARP and its like */
	FRAME_CUT,    /* too short to say what it is */
};

/** Link types as files have them (LINKTYPE_*). Some of those are called
 *  otherwise in memory (DLT_*), and differently on each system. */
enum {
	LINK_LOOPBACK = 0, /* the address family in the machine's byte order */
	LINK_ETHERNET = 1,
	LINK_OLD_RAW = 12,
	LINK_RAW = 101,
	LINK_OPENBSD_LOOPBACK = 108,
	LINK_COOKED = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_COOKED_2 = 276,
};

/** Whether frames of a link type can be read. */
bool frame_knows(int link_type);

/** Step over the link header. @link_type: one that is known. */
enum frame_kind frame_read(int link_type, struct frame *frame);

/**
 * Step into a tunnel: VXLAN (UDP port 4789, and 8472, which Linux had before)
 * or Geneve (6081).
 *
 * @frame  an IP packet; on true, what it carries
 * @kind   on true, what that is
 *
 * Returns  false where it is no tunnel's: the frame is as it was.
 */
bool frame_enter(struct frame *frame, enum frame_kind *kind);

#endif
