/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller_parts.h"

#include <stdint.h>
#include <string.h>

#include "netpold/snapshot.h"

#include "clock.h"
#include "log.h"
#include "observe/pause_desk.h"
#include "pause.h"
#include "time_text.h"

static void reply(struct controller *c, int code, const char *said)
{
	pause_desk_reply(pause_switch_desk(c->pauses), code, said);
}

/* @unkept  why it does not outlive a restart; "" where it does */
static void reply_paused(struct controller *c, const char *unkept)
{
	char until[TIME_TEXT_LEN];
	struct err said;

	time_text_format(pause_until_wall_us(pause_switch_pause(c->pauses)),
			 until);
	err_set(&said, 0, "enforcement is paused until %s%s%s", until,
		*unkept ? "; but " : "", unkept);
	reply(c, 0, said.message);
}

static void report_unpaused(struct controller *c, struct err *err)
{
	err_prefix(err, "%s",
		   enforcement_is_paused(c->enforcement)
			   ? "policies are not obeyed any more, but packets "
			     "are still diverted, and dropped where they are "
			     "INVALID or too many: "
			   : "the pause cannot begin yet: ");
	observer_unsettled(c->observer, err->message);
	log_error("%s; trying again", err->message);
}

/* It is told and written down first: where a worker stands still, enforcement
   ends at once, but nobody knows when that returns. */
static void begin_pause(struct controller *c,
			const struct pause_request *request)
{
	struct err err, unkept = { 0 };
	int r;

	pause_switch_begin(c->pauses, request, &unkept);
	observer_paused(c->observer, pause_switch_pause(c->pauses));
	r = enforcement_pause(c->enforcement, &err);
	c->unsettled = r < 0;
	if (r == 0) {
		reply_paused(c, unkept.message);
		return;
	}
	report_unpaused(c, &err);
	reply(c, r, err.message);
}

void controller_set_later(struct controller *c, struct snapshot *later)
{
	snapshot_free(c->later);
	c->later = later;
}

void controller_finish_pause(struct controller *c)
{
	struct err err;

	if (enforcement_pause(c->enforcement, &err) < 0) {
		report_unpaused(c, &err);
		return;
	}
	c->unsettled = false;
	observer_paused(c->observer, pause_switch_pause(c->pauses));
	log_info("nothing is diverted any more");
}

/* Returns as enforcement_apply(). */
static int resume(struct controller *c, bool *published,
		  struct enforcement_change *change, struct err *err)
{
	int r;

	controller_set_later(c, NULL);
	r = c->standing.cluster ? controller_compile_warm(c, err)
				: intake_compile(c->intake, &c->read, err);
	*published = false;
	if (r < 0)
		return r;
	if (!c->standing.cluster)
		controller_compiled(c);
	r = enforcement_apply(c->enforcement, c->read.snapshot, &c->read.update,
			      published, change, err);
	if (!*published)
		snapshot_free(c->read.snapshot);
	return r;
}

/* The pause stays, and its end is tried again. That is told once. */
static void report_stuck(struct controller *c, struct err *err)
{
	err_prefix(err, "the pause is over, and enforcement cannot begin: ");
	c->resume_due_us = clock_us() + RETRY_MS * 1000;
	observer_unsettled(c->observer, err->message);
	if (strcmp(c->stuck.message, err->message) != 0)
		log_error("%s; trying again", err->message);
	c->stuck = *err;
}

/* With what has changed meanwhile; whether that is refused stays as it is. */
static int end_pause(struct controller *c, struct err *err)
{
	struct enforcement_change change;
	int64_t since_us = clock_us();
	bool published;
	int r = resume(c, &published, &change, err);

	if (!published) {
		report_stuck(c, err);
		return r;
	}
	c->stuck = (struct err){ 0 };
	c->taken_up.n = 0;
	pause_switch_ended(c->pauses);
	observer_paused(c->observer, NULL);
	log_info("the pause is over");
	controller_conclude(c, r, &change, since_us, err);
	return r;
}

/* Before its time. */
static void cut_pause_short(struct controller *c)
{
	struct err err, kept = { 0 };

	if (!pause_switch_pause(c->pauses)) {
		reply(c, 0, "there is no pause: policies are in force");
		return;
	}
	pause_switch_cut(c->pauses, &kept);
	if (end_pause(c, &err) < 0)
		reply(c, err.code, err.message);
	else if (kept.code < 0)
		reply(c, kept.code, kept.message);
	else
		reply(c, 0, "the pause is over: policies are in force");
}

void controller_serve_pause(struct controller *c)
{
	struct pause_request request;
	struct err err;

	if (pause_desk_take(pause_switch_desk(c->pauses), &request)) {
		if (request.end)
			cut_pause_short(c);
		else
			begin_pause(c, &request);
	}
	if (pause_switch_is_due(c->pauses) && clock_us() >= c->resume_due_us)
		end_pause(c, &err);
	pause_switch_remind(c->pauses);
}

/* Until there is an end of one to look for, or something failed. */
int controller_pause_ms(const struct controller *c)
{
	const struct pause *pause = pause_switch_pause(c->pauses);
	int64_t left_ms = pause ? pause_left_us(pause) / 1000 + 1 : RETRY_MS;

	return left_ms < RETRY_MS && c->stuck.code == 0 ? (int)left_ms
							: RETRY_MS;
}
