/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_AHEAD_H
#define NETPOLD_DAEMON_SOURCE_AHEAD_H

#include <stddef.h>

#include "netpold/err.h"
#include "netpold/packet.h"
#include "netpold/track.h"
#include "source/capture.h"

/**
 * Some packets of a capture at a time, parsed, and their flows looked for:
 * while the first of them waits for its flow to come from memory, so do the
 * others.
 *
 * All zero is empty.
 */
struct ahead_packet {
	/* Where it is an IP packet. */
	enum packet_status status;
	struct packet packet;
	struct track_ahead place;
};

#define AHEAD_MAX 32

struct ahead {
	size_t n;
	struct capture_packet bytes[AHEAD_MAX]; /* until the next call */
	struct ahead_packet packets[AHEAD_MAX];
};

/**
 * Read the next ones, in place of those that are there.
 *
 * Returns  0 with at least one; at the end of the capture, none; a negative
 *          errno as of capture_read(), with none.
 */
int ahead_read(struct ahead *ahead, struct capture *capture,
	       const struct track *track, struct err *err);

#endif
