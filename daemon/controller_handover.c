/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller_parts.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netpold/snapshot.h"

#include "handover/giver.h"
#include "handover/taker.h"
#include "handover/terms.h"
#include "log.h"

/* ---- the new one --------------------------------------------------------- */

/* Both judge for a moment; then this one does, and the other is at hand. */
static int judge(struct controller *c, struct snapshot *first,
		 const struct pod_range *range, struct err *err)
{
	struct place *place = &c->place;
	int r = enforcement_judge(
		c->enforcement, first, range,
		place->heir ? taker_queues(&place->taker) : NULL, err);

	if (r < 0) {
		snapshot_free(first);
		return r;
	}
	if (!place->heir)
		return 0;
	r = taker_relieve(&place->taker, err);
	if (r == 0)
		enforcement_reclaim(c->enforcement);
	return r;
}

/* Who hands over is in no pause: one that this one has read of is over. */
static int ask(struct controller *c, const struct terms *terms, struct err *err)
{
	int r = place_ask(&c->place, terms, c->options->enforcement.n_workers,
			  err);

	if (r == 0 && c->place.heir && pause_switch_pause(c->pauses)) {
		pause_switch_ended(c->pauses);
		observer_paused(c->observer, NULL);
	}
	return r;
}

static int prepare(struct controller *c, struct terms *terms, struct err *err)
{
	const struct enforcement_options *options = &c->options->enforcement;
	bool paused = pause_switch_pause(c->pauses) && !c->place.taken;
	int r = paused ? 0 : enforcement_check(c->read.snapshot, err);

	if (r == 0)
		r = terms_init(terms, options,
			       enforcement_flavour(c->enforcement),
			       c->options->node_name, err);
	return r == 0 ? ask(c, terms, err) : r;
}

/* Who has taken over answers at the same socket from now on, and enforces even
   where it cannot: the other one has left. Who has only waited for another to
   be gone makes a socket. */
static int begin_to_listen(struct controller *c, struct err *err)
{
	const char *path = c->options->status_socket;

	if (!c->place.heir)
		return observer_listen(c->observer, path, -1, err);
	if (observer_listen(c->observer, path,
			    taker_status_socket(&c->place.taker), err) < 0)
		log_error("%s: nobody can ask at '%s'", err->message, path);
	return 0;
}

int controller_put_in_force(struct controller *c, const struct pod_range *range,
			    struct enforcement_change *change, struct err *err)
{
	struct place *place = &c->place;
	struct snapshot *first = c->read.snapshot;
	struct terms terms = { 0 };
	int r = prepare(c, &terms, err);

	/* In a pause there is nothing to put in force. */
	if (r < 0 || pause_switch_pause(c->pauses)) {
		snapshot_free(first);
		first = NULL;
	}
	if (r == 0)
		r = judge(c, first, range, err);
	if (r == 0)
		r = enforcement_put_up(c->enforcement, change, err);
	if (r == 0 && place->heir)
		r = taker_finish(&place->taker, err);
	if (r == 0 && place->taken)
		r = begin_to_listen(c, err);
	if (r < 0)
		return r;
	taker_close(&place->taker);
	observer_offer(c->observer, &terms);
	return 0;
}

/* ---- the old one --------------------------------------------------------- */

static void go_on(struct controller *c)
{
	c->unsettled = true;
	controller_finish(c);
}

/* A pause would not be the new one's, who asks has to wait for its end. */
static bool may_hand_over(struct controller *c, int conversation,
			  struct err *err)
{
	if (!pause_switch_pause(c->pauses))
		return true;
	giver_refuse(conversation,
		     "enforcement is paused on this node: end the pause first "
		     "(netpold pause --end), or wait for its end");
	err_set(err, -EAGAIN, "enforcement is paused");
	return false;
}

static void report_kept(const struct err *err)
{
	log_warning("another netpold has not taken over: %s; this one goes on",
		    err->message);
}

bool controller_hand_over(struct controller *c)
{
	const struct giver giver = {
		.guard = c->guard,
		.enforcement = c->enforcement,
		.n_queues = c->options->enforcement.n_workers,
		.lock = c->place.lock,
		.status_socket = observer_socket(c->observer),
	};
	int conversation = observer_asked(c->observer);
	enum giver_end end;
	struct err err;

	if (conversation < 0)
		return false;
	if (!may_hand_over(c, conversation, &err)) {
		report_kept(&err);
		return false;
	}
	controller_close(&c->late);
	end = giver_hand_over(&giver, conversation, &c->late, &err);
	c->replaced = end == GIVER_LEAVES;
	if (c->replaced)
		return true;
	report_kept(&err);
	if (end == GIVER_GOES_ON)
		go_on(c);
	guard_watch(c->guard, c->enforcement, c->place.lock);
	return false;
}

/* It may have woken up, and have marked flows that have been gone through
   already. */
void controller_see_off(struct controller *c)
{
	char said[256];

	if (recv(c->late, said, sizeof(said), MSG_DONTWAIT) > 0)
		return; /* it does not know yet that it is too late */
	controller_close(&c->late);
	enforcement_go_on(c->enforcement);
	go_on(c);
}

void controller_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
