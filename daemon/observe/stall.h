/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_STALL_H
#define NETPOLD_DAEMON_OBSERVE_STALL_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Whether a worker stands still: packets wait for it, and it receives none.
 *
 * Somebody looks at it now and then, at times that are far apart for a worker.
 * Zero is one that nobody has looked at.
 */
struct stall {
	unsigned int n_still; /* looks in a row that found no progress */
	uint64_t received;    /* by the worker, at the last look */
	int64_t since_us;     /* when the first of those was */
};

/** So many looks in a row make a stall. */
#define STALL_LOOKS 3

enum stall_news {
	STALL_NO_NEWS = 0,
	STALL_BEGAN,
	STALL_ENDED,
};

/**
 * Look at a worker.
 *
 * @waiting   packets without a verdict in its queue, read first
 * @received  by it since it started, read after that
 * @now_us    by any clock that only ever grows
 *
 * Returns  what has changed since the last look.
 */
enum stall_news stall_look(struct stall *stall, uint32_t waiting,
			   uint64_t received, int64_t now_us);

/** True from STALL_BEGAN until STALL_ENDED. */
bool stall_lasts(const struct stall *stall);

#endif
