/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_AHEAD_H
#define NETPOLD_DAEMON_SOURCE_AHEAD_H

#include <stddef.h>
#include <stdint.h>

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
	enum capture_kind kind;
	struct capture_packet bytes;
	/* Where kind is CAPTURE_IP. */
	enum packet_status status;
	struct packet packet;
	struct track_ahead place;
};

#define AHEAD_MAX 32

struct ahead {
	struct ahead_packet packets[AHEAD_MAX];
	size_t n;
	uint8_t *frames; /* one behind the other */
	size_t len, room;
};

/**
 * Read the next ones, in place of those that are there.
 *
 * Returns  0 with at least one; at the end of the capture, none; -EIO where it
 *          breaks off, and -ENOMEM: with those that were read before.
 */
int ahead_read(struct ahead *ahead, struct capture *capture,
	       const struct track *track, struct err *err);

void ahead_release(struct ahead *ahead);

#endif
