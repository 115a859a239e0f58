/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_PLAYBACK_H
#define NETPOLD_DAEMON_SOURCE_PLAYBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"
#include "source/capture.h"

struct progress;

/**
 * A capture, packet by packet, judged as a node would.
 *
 * Each packet finds its flow, and each flow is judged when its first packet is
 * seen. What a node's rules send up again although the flow is known, is judged
 * again here: a SYN, and what is not tracked. Where the policies become others
 * in the middle of the capture, every flow that lives on is judged again by its
 * next packet, as a node does with what it knows.
 */

/** What there is to say of a packet. */
struct played {
	const struct tracked *tracked; /* flow NULL: it cannot be read */
	/* NULL: it is of its flow, and nobody was asked about it. */
	const struct judgement *judgement;
	/* The flow was judged before, by policies that are not in force any
	   more: what is said now holds from here on. */
	bool is_again;
	const struct snapshot *snapshot; /* who was asked */
	const struct capture_packet *bytes;
};

/**
 * Called for each IP packet, and for each that is too short to say what it is.
 *
 * Returns  0, or a negative errno that ends it.
 */
typedef int (*playback_fn)(void *ctx, const struct played *played);

struct playback {
	const struct snapshot *snapshot;
	struct track *track;
	playback_fn packet;
	void *packet_ctx;
	/* Called before the first packet whose time is @turn_ns or later: sets
	   snapshot, and when to be called again. May be NULL. */
	int (*turn)(void *ctx, struct playback *playback, int64_t time_ns,
		    struct err *err);
	void *turn_ctx;
	int64_t turn_ns;
	struct progress *progress; /* or NULL */
	/* What was read so far. */
	int64_t start_ns; /* time of the first packet */
	uint64_t packets;
	uint64_t unparsable;
	uint64_t not_ip;
	/* Its own. */
	uint32_t round; /* of policies; struct flow has that of its judgement */
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
