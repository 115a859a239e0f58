/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/live_state.h"

#include <stdatomic.h>

#include "clock.h"
#include "current.h"
#include "observe/denied.h"
#include "observe/flows_json.h"
#include "observe/metrics.h"
#include "observe/status.h"
#include "observe/status_board.h"

/* The kernel takes up to a tenth of a second to list what it denies. */
#define DENIED_EVERY_US INT64_C(3000000)

static json_t *get_status(struct live_state *state)
{
	struct status status;

	status_board_get(state->board, &status);
	return status_to_json(&status);
}

static json_t *get_denied(struct live_state *state, int64_t now_us)
{
	if (state->denied && now_us - state->denied_us < DENIED_EVERY_US)
		return json_incref(state->denied);
	json_decref(state->denied);
	state->denied = denied_to_json();
	state->denied_us = now_us;
	return json_incref(state->denied);
}

json_t *live_state_to_json(struct live_state *state, int64_t now_us)
{
	/* Pairs with observer_show(). */
	struct flow_watch *watch =
		atomic_load_explicit(state->watch, memory_order_acquire);

	return json_pack("{sI sI so so so so}", "now_ms",
			 (json_int_t)(clock_wall_us() / 1000), "pods",
			 (json_int_t)current_number(), "status",
			 get_status(state), "metrics",
			 metrics_to_json(state->metrics), "denied",
			 get_denied(state, now_us), "flows",
			 flows_to_json(watch, now_us));
}

void live_state_release(struct live_state *state)
{
	json_decref(state->denied);
	state->denied = NULL;
}
