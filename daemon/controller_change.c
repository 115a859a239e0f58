/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller_parts.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "netpold/snapshot.h"

#include "clock.h"
#include "log.h"

/* When waiting for a writer is worth a warning. */
#define LONG_WAIT_MS 5000

/* Pods come and go by the hundred: their changes share a line. */
#define TELL_INTERVAL_US 200000

/* How often memory is given back while changes come one by one. */
#define TRIM_INTERVAL_US (60 * INT64_C(1000000))

/* ---- telling ------------------------------------------------------------ */

static void note_untold(struct controller *c,
			const struct enforcement_change *change,
			int64_t took_us)
{
	c->untold.n++;
	memcpy(c->untold.n_isolated, change->n_isolated,
	       sizeof(c->untold.n_isolated));
	c->untold.n_revoked += change->n_revoked;
	if (c->untold.took_us < took_us)
		c->untold.took_us = took_us;
}

static void tell(struct controller *c)
{
	size_t n_staged = c->published.staged_policies;
	char changes[32] = "", staged[32] = "";

	if (c->untold.n > 1)
		snprintf(changes, sizeof(changes), " changes=%zu", c->untold.n);
	if (n_staged > 0)
		snprintf(staged, sizeof(staged), " staged=%zu", n_staged);
	log_info("%s: generation=%llu policies=%zu pods=%zu "
		 "isolated=egress:%zu,ingress:%zu revoked=%zu took_ms=%.1f%s%s",
		 c->options->enforcement.audit ? "audited" : "in force",
		 (unsigned long long)c->generation, c->published.policies,
		 c->published.pods, c->untold.n_isolated[DIRECTION_EGRESS],
		 c->untold.n_isolated[DIRECTION_INGRESS], c->untold.n_revoked,
		 (double)c->untold.took_us / 1000, staged, changes);
	memset(&c->untold, 0, sizeof(c->untold));
	c->untold.told_us = clock_us();
}

/* How long so many changes stay untold: @ms at most. */
static int left_ms(size_t n, int64_t told_us, int ms)
{
	int64_t left_us = told_us + TELL_INTERVAL_US - clock_us();

	if (n == 0 || left_us >= ms * INT64_C(1000))
		return ms;
	return left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
}

void controller_report_in_force(struct controller *c,
				const struct enforcement_change *change,
				int64_t since_us)
{
	struct observer_change told = {
		.generation = ++c->generation,
		.counts = c->published,
		.n_isolated = { change->n_isolated[0], change->n_isolated[1] },
		.program_us = change->program_us,
		.extent = change->extent,
		.n_revoked = change->n_revoked,
		.n_picked_up = change->n_picked_up,
		.in_force_us = change->in_force_us,
	};

	observer_in_force(c->observer, &told);
	note_untold(c, change, clock_us() - since_us);
	if (!controller_is_live(c) || left_ms(1, c->untold.told_us, 1) == 0)
		tell(c);
}

int controller_tell_ms(const struct controller *c, int ms)
{
	ms = left_ms(c->untold.n, c->untold.told_us, ms);
	return left_ms(c->taken_up.n, c->taken_up.told_us, ms);
}

/* In a pause. */
static void tell_taken_up(struct controller *c)
{
	char changes[32] = "";

	if (c->taken_up.n > 1)
		snprintf(changes, sizeof(changes), " changes=%zu",
			 c->taken_up.n);
	log_info("taken up: policies=%zu pods=%zu%s; in force when the pause "
		 "is over",
		 c->read.counts.policies, c->read.counts.pods, changes);
	c->taken_up.n = 0;
	c->taken_up.told_us = clock_us();
}

void controller_tell(struct controller *c)
{
	if (c->untold.n > 0 && left_ms(1, c->untold.told_us, 1) == 0)
		tell(c);
	if (c->taken_up.n > 0 && left_ms(1, c->taken_up.told_us, 1) == 0)
		tell_taken_up(c);
}

/* Somebody keeps a file open for writing, and with it every change back. */
static void warn_of_long_wait(struct controller *c)
{
	if (!c->waiting_since_us ||
	    clock_us() - c->waiting_since_us < LONG_WAIT_MS * 1000)
		return;
	c->waiting_since_us = 0;
	log_warning("%s for more than %d s: no change is in force until it is "
		    "closed; generation %llu stays in force",
		    c->told.message, LONG_WAIT_MS / 1000,
		    (unsigned long long)c->generation);
}

/* A mistake stays until somebody mends it, which is an event; anything else is
   tried again, and told once. */
void controller_report_refused(struct controller *c, const struct err *err)
{
	bool told = c->refused && strcmp(c->told.message, err->message) == 0;

	c->refused = true;
	/* An API server tells when it has said all. */
	c->retry = err->code != -EINVAL && err->code != -EINPROGRESS;
	c->retry_due_us = clock_us() + RETRY_MS * 1000;
	c->told = *err;
	observer_refused(c->observer, err->message);
	if (told) {
		warn_of_long_wait(c);
		return;
	}
	c->waiting_since_us = err->code == -EAGAIN ? clock_us() : 0;
	if (err->code == -EAGAIN || err->code == -EINPROGRESS)
		log_info("%s: waiting; generation %llu stays in force",
			 err->message, (unsigned long long)c->generation);
	else
		log_error("%s; generation %llu stays in force", err->message,
			  (unsigned long long)c->generation);
}

static void report_accepted(struct controller *c)
{
	c->refused = c->retry = false;
	observer_accepted(c->observer);
}

/* ---- changing ----------------------------------------------------------- */

/* What was published is in force, or not for all yet. */
void controller_conclude(struct controller *c, int r,
			 const struct enforcement_change *change,
			 int64_t since_us, const struct err *err)
{
	if (c->intake)
		intake_taken(c->intake, clock_us() - c->read.compile_began_us);
	c->published = c->read.counts;
	observer_published(c->observer, since_us, change->published_us);
	c->unsettled = r < 0;
	if (r == 0) {
		controller_report_in_force(c, change, since_us);
		return;
	}
	observer_unsettled(c->observer, err->message);
	log_error("%s; new flows obey the change, open connections not yet; "
		  "trying again",
		  err->message);
}

/* It is in order, and will be in force when the pause is over. */
static void take_up(struct controller *c)
{
	controller_set_later(c, c->read.snapshot);
	intake_taken(c->intake, 0);
	controller_leave_warm(c);
	warm_changed(c->warm);
	report_accepted(c);
	c->taken_up.n++;
	if (!controller_is_live(c) || left_ms(1, c->taken_up.told_us, 1) == 0)
		tell_taken_up(c);
}

static void apply(struct controller *c, int64_t since_us)
{
	struct enforcement_change change;
	bool published;
	struct err err;
	int r;

	if (pause_switch_pause(c->pauses)) {
		take_up(c);
		return;
	}
	r = enforcement_apply(c->enforcement, c->read.snapshot, &c->read.update,
			      &published, &change, &err);
	if (published) {
		controller_leave_warm(c);
		warm_changed(c->warm);
		report_accepted(c);
		controller_conclude(c, r, &change, since_us, &err);
		return;
	}
	snapshot_free(c->read.snapshot);
	controller_report_refused(c, &err);
}

/* A reading has taken as much memory as the store, in small pieces, which the
   allocator would keep for the next one. What an API server says comes piece by
   piece, and takes next to nothing. */
static void give_memory_back(struct controller *c)
{
	const size_t pad = 0;
	int64_t now_us = clock_us();

	if (controller_is_live(c) && now_us < c->trim_due_us)
		return;
	c->trim_due_us = now_us + TRIM_INTERVAL_US;
	malloc_trim(pad);
}

void controller_compiled(struct controller *c)
{
	observer_compiled(c->observer, c->read.compile_began_us,
			  &c->read.memory);
	controller_tell_of_unreadable(c);
	observer_follow(c->observer, &c->read.update, intake_store(c->intake));
}

/* Returns as intake_read(). */
int controller_read(struct controller *c, bool everything, struct err *err)
{
	int r;

	warm_interrupt(c->warm);
	r = intake_read(c->intake, everything, &c->read, err);
	/* What fails halfway may have changed objects, too. */
	if (r < 0)
		controller_set_later(c, NULL);
	if (r > 0)
		controller_compiled(c);
	return r;
}

void controller_reload(struct controller *c, bool everything, int64_t since_us)
{
	struct err err;
	int r = controller_open_intake(c, &err);

	if (r == 0)
		r = controller_read(c, everything, &err);
	if (r < 0) {
		controller_report_refused(c, &err);
	} else if (r > 0) {
		apply(c, since_us);
		controller_follow_range(c);
	} else if (c->refused) {
		report_accepted(c);
		log_info("objects are as they were; generation %llu is in "
			 "force",
			 (unsigned long long)c->generation);
	}
	give_memory_back(c);
}

void controller_finish(struct controller *c)
{
	struct enforcement_change change;
	int64_t since_us = clock_us();
	struct err err;

	if (pause_switch_pause(c->pauses)) {
		controller_finish_pause(c);
		return;
	}
	if (enforcement_settle(c->enforcement, &change, &err) < 0) {
		observer_unsettled(c->observer, err.message);
		log_error("%s; trying again", err.message);
		return;
	}
	c->unsettled = false;
	controller_report_in_force(c, &change, since_us);
}
