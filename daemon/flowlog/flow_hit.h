/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_HIT_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_HIT_H

#include <stdint.h>

#include "datapath/memo.h"
#include "flowlog/flow_fold.h"

struct snapshot;

/**
 * Packets that the kernel has answered by itself, from one of the answers that
 * it remembers: no worker has seen them, but one has judged the first of their
 * kind.
 *
 * The kernel counts them, and nothing more is known of each: neither source
 * ports, nor TCP flags, nor when it came.
 */
struct flow_hit {
	struct memo memo;
	uint8_t verdict; /* enum verdict */
	int64_t at_us;	 /* when they were found; Unix time */
	uint64_t packets;
	uint64_t bytes; /* from the IP header on */
};

/**
 * As repeats of what was judged.
 *
 * @snapshot  in force now, which says why; NULL: nobody does
 *
 * The answer is out of the set before a change that makes it wrong is in force.
 * Where it is found on the way there, @snapshot says otherwise: the reasons are
 * not known any more then (FLOW_NOTE_REMEMBERED).
 *
 * Threads  any, inside the read-side section that loaded @snapshot.
 */
struct flow_told flow_hit_told(const struct flow_hit *hit,
			       const struct snapshot *snapshot);

#endif
