/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_HEALTH_H
#define NETPOLD_DAEMON_OBSERVE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "observe/status.h"

/**
 * Whether netpold lives, and whether it is ready: two questions that whoever
 * keeps it running asks, by HTTP (web_pages.h) or by `netpold status --live`
 * and
 * `--ready`.
 *
 * One that does not live is to be restarted. So the answer says nothing of the
 * API server, of manifests or of how much there is to do, none of which a
 * restart would cure (L32): only that the control loop turns, and that no
 * worker has stood still for as long, while packets wait for it.
 *
 * One that is not ready is to be waited for before its predecessor, or the next
 * node's, is replaced: nothing that was really read is in force yet. A pause is
 * the operator's wish, and no reason to wait. Ready once is ready for good:
 * what is in force stays in force while the API server is away, or while a
 * change is refused.
 *
 * Threads  any: pure.
 */
struct health {
	bool good;
	/* One line, whichever it is; control characters have become '?'. */
	char why[sizeof(((struct err *)0)->message) + 256];
};

/**
 * How long the control thread may give no sign of life. It does with each turn
 * of its loop, and in a turn that takes long between its steps, and within a
 * sweep of many connections (pulse.h). Twice what the longest step that has an
 * end of its own takes: a start waits 10 seconds for whoever is writing
 * manifests, and 10 more for the lock of iptables in each family; to compile
 * the largest cluster takes under a second.
 */
#define HEALTH_PATIENCE_S 60

/**
 * Does its control loop live?
 *
 * @alive_us  its last sign of life, and now: steady (clock_us())
 */
void health_check_loop(int64_t alive_us, int64_t now_us,
		       unsigned int patience_s, struct health *out);

/**
 * Does all of it live? The loop, and the workers as the watchdog sees them.
 *
 * @wall_us  now, by the clock on the wall, as status->stalled.since_us is
 */
void health_check_alive(const struct status *status, int64_t alive_us,
			int64_t now_us, int64_t wall_us,
			unsigned int patience_s, struct health *out);

/** A resource that has not been heard of for so long, and cannot be asked for,
 *  is stale: longer than a server takes to start again. */
#define HEALTH_STALE_S 120

/**
 * Is it ready? As status->ready_since_us says, unless what is in force is stale
 * (L29): it stays in force, and whoever looks is told. And why.
 *
 * @now_us  steady (clock_us())
 */
void health_check_ready(const struct status *status, int64_t now_us,
			struct health *out);

/** Whether it is time to be ready: what was really read is in force, or would
 *  be if there were no pause. */
bool health_is_settled(const struct status *status);

#endif
