/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_PLAYBACK_H
#define NETPOLD_DAEMON_SOURCE_PLAYBACK_H

#include <stdint.h>

#include "netpold/err.h"
#include "netpold/judge.h"
#include "netpold/snapshot.h"
#include "netpold/track.h"
#include "source/capture.h"

/**
 * A capture, packet by packet, judged as a node would.
 *
 * Each packet finds its flow, and each flow is judged when its first packet is
 * seen. What a node's rules send up again although the flow is known, is judged
 * again here: a SYN, and what is not tracked.
 */

/**
 * Called for each packet that is judged.
 *
 * @bytes  the packet
 *
 * Returns  0, or a negative errno that ends it.
 */
typedef int (*playback_fn)(void *ctx, const struct tracked *tracked,
			   const struct judgement *judgement,
			   const struct capture_packet *bytes);

struct playback {
	const struct snapshot *snapshot;
	struct track *track;
	playback_fn judged;
	void *judged_ctx;
	/* What was read so far. */
	int64_t start_ns; /* time of the first packet */
	uint64_t packets;
	uint64_t unparsable;
	uint64_t not_ip;
};

/**
 * Play a capture to its end. Flows that are left are not handed out: that is
 * for who has the tracker.
 *
 * Returns  0; a negative errno with a message. What was read until then stands.
 */
int playback_run(struct playback *playback, struct capture *capture,
		 struct err *err);

#endif
