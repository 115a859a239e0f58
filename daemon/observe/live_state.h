/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_LIVE_STATE_H
#define NETPOLD_DAEMON_OBSERVE_LIVE_STATE_H

#include <stdint.h>

#include <jansson.h>

struct flow_watch;
struct metrics;
struct status_board;

/**
 * What the live page shows that changes by the second: the status, all numbers,
 * what the kernel denies most, and what workers judge just now: who looks at
 * the page is somebody who looks (flow_watch.h).
 *
 *	{"now_ms": …, "pods": 7, "status": {…}, "metrics": […], "denied": […],
 *	 "flows": {…}}
 *
 * The middle three are those of include/netpold/schema/status.schema.json;
 * flows are those of flows.schema.json. "pods" is current_number().
 *
 * Threads  one at a time, which has not begun with RCU (rcu.h).
 */
struct live_state {
	/* set before the first is asked for; they outlive the last */
	struct status_board *board;
	struct metrics *metrics;
	_Atomic(struct flow_watch *) *watch; /* NULL in it: not yet */
	/* its own */
	json_t *denied;	   /* of a moment ago; NULL: none yet */
	int64_t denied_us; /* steady: when */
};

void live_state_release(struct live_state *state);

/** Returns a new reference, or NULL without memory. */
json_t *live_state_to_json(struct live_state *state, int64_t now_us);

#endif
