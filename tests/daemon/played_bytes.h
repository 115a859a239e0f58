/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DAEMON_PLAYED_BYTES_H
#define TESTS_DAEMON_PLAYED_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

/**
 * Bytes, whatever they are, as `netpold replay` reads them: a capture, its
 * packets, their flows, and all that can be told of these.
 */
struct played_bytes {
	int result; /* 0, or why it ended */
	struct err err;
	uint64_t packets;    /* that were read */
	uint64_t handed_out; /* IP packets that were handed out */
	uint64_t not_ip;
	uint64_t unparsable;
	uint64_t flows;
	/* What has to hold, and does not; NULL: it does. */
	const char *wrong;
};

/** Two pods that are isolated both ways, and may open little to each other. The
 *  caller frees it. */
struct snapshot *played_world(void);

/** @data is read, and stays the caller's. */
void play_bytes(const struct snapshot *snapshot, const uint8_t *data,
		size_t len, bool looks_inside, struct played_bytes *out);

#endif
