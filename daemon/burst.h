/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_BURST_H
#define NETPOLD_DAEMON_BURST_H

#include <stdbool.h>
#include <stdint.h>

/**
 * What can happen many times at once, and is worth a line in the log each time
 * that it begins, not each time that it happens. It has ended when it was quiet
 * for BURST_QUIET_US. An all-zero struct is quiet.
 */
#define BURST_QUIET_US (10 * INT64_C(1000000))

struct burst {
	uint64_t count;	 /* at the last look */
	int64_t last_us; /* when it had grown; 0: never */
};

/**
 * Look at it, now and then.
 *
 * @count   of what has happened since the start
 * @now_us  by a clock that only ever grows, from more than 0
 *
 * Returns  whether one has begun since the last look.
 */
bool burst_look(struct burst *burst, uint64_t count, int64_t now_us);

#endif
