/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover/giver.h"

#include <errno.h>
#include <string.h>

#include "enforcement.h"
#include "fault.h"
#include "guard.h"
#include "handover/patience.h"
#include "handover/wire.h"

/* ---- the steps ---------------------------------------------------------- */

/* Nobody but the new one is to touch rules and sets from here on. */
static int prepare(const struct giver *giver, struct err *err)
{
	return guard_rest(giver->guard, HANDOVER_REST_MS, err);
}

static int send_queues(const struct giver *giver, struct wire *wire,
		       struct err *err)
{
	int fds[WIRE_FDS_MAX] = { giver->status_socket, giver->lock };
	int r;

	for (unsigned int i = 0; i < giver->n_queues; i++)
		fds[2 + i] = enforcement_queue_fd(giver->enforcement, i);
	r = wire_say(wire, "queues", fds, 2 + giver->n_queues,
		     HANDOVER_ANSWER_MS);
	if (r < 0)
		return err_set(err, r, "cannot send the queues: %s",
			       strerror(-r));
	fault_strike("giver-sent");
	return wire_await(wire, "judging", HANDOVER_ANSWER_MS, err);
}

static int step_back(const struct giver *giver, struct wire *wire,
		     struct err *err)
{
	int r;

	fault_strike("giver-relieved");
	r = enforcement_rest(giver->enforcement, HANDOVER_ROUND_MS, err);
	if (r < 0)
		return r;
	fault_strike("giver-resting");
	r = wire_say(wire, "resting", NULL, 0, HANDOVER_ANSWER_MS);
	if (r < 0)
		return err_set(err, r, "cannot tell the other netpold: %s",
			       strerror(-r));
	fault_strike("giver-told");
	r = wire_await(wire, "in force", HANDOVER_IN_FORCE_MS, err);
	fault_strike("giver-replaced");
	return r;
}

/* ---- all of it ---------------------------------------------------------- */

static enum giver_end hand_over(const struct giver *giver, struct wire *wire,
				struct err *err)
{
	int r;

	fault_strike("giver-asked");
	r = prepare(giver, err);
	fault_strike("giver-ready");
	if (r < 0) {
		wire_refuse(wire, err->message);
		return GIVER_KEEPS;
	}
	r = send_queues(giver, wire, err);
	if (r == 0)
		r = step_back(giver, wire, err);
	if (r == 0)
		return GIVER_LEAVES;
	/* Who is late hears that it is too late. */
	wire_refuse(wire, r == -ETIMEDOUT
				  ? "the netpold that ran before goes on, as "
				    "this one has taken too long"
				  : err->message);
	enforcement_go_on(giver->enforcement);
	return GIVER_GOES_ON;
}

void giver_refuse(int conversation, const char *why)
{
	struct wire wire;

	wire_open(&wire, conversation);
	wire_refuse(&wire, why);
	wire_close(&wire);
}

enum giver_end giver_hand_over(const struct giver *giver, int conversation,
			       int *late, struct err *err)
{
	enum giver_end end;
	struct wire wire;

	*late = -1;
	wire_open(&wire, conversation);
	end = hand_over(giver, &wire, err);
	if (end == GIVER_GOES_ON && err->code != -EPIPE &&
	    err->code != -ECONNRESET) {
		*late = wire.fd;
		wire.fd = -1;
	}
	wire_close(&wire);
	return end;
}
