/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"
#include "datapath/repair.h"
#include "datapath/runner.h"
#include "log.h"

#define SETS_INTERVAL_US (2 * 1000000)

struct guard {
	struct repair *repair;
	int64_t sets_due_us;
	bool sets_failing;	/* and that was logged */
	bool lost;		/* the helper is gone */
	struct err why;		/* and how */
	unsigned int rests_due; /* answers of the helper to come, */
	int64_t asked_us;	/* the first of them asked for then */
	bool lets_change;	/* until the next guard_work() */
	int lock;		/* for guard_watch() after it */
	struct guard_counters counters;
};

int guard_start(struct guard **out, struct err *err)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int r;

	if (!guard)
		return err_set(err, -ENOMEM, "no memory to start");
	r = repair_start(&guard->repair, err);
	if (r < 0) {
		free(guard);
		return r;
	}
	*out = guard;
	return 0;
}

static void ask_to_rest(struct guard *guard)
{
	if (guard->rests_due++ == 0)
		guard->asked_us = clock_us();
	repair_rest(guard->repair);
}

void guard_let_change(struct guard *guard)
{
	guard->lets_change = true;
	ask_to_rest(guard);
}

void guard_watch(struct guard *guard, const struct enforcement *enforcement,
		 int lock)
{
	guard->lock = lock;
	guard->lets_change = false;
	guard->sets_due_us = clock_us() + SETS_INTERVAL_US;
	repair_watch(guard->repair, enforcement_rules(enforcement), lock);
}

int guard_fd(const struct guard *guard)
{
	return repair_fd(guard->repair);
}

/* @enforcement  NULL: it rests */
static void report(struct guard *guard, struct enforcement *enforcement,
		   const struct repair_event *event)
{
	const char *tables = event->family == IP_V6 ? "ip6tables" : "iptables";

	if (event->rests) {
		guard->rests_due--;
		return;
	}
	if (event->mended) {
		guard->counters.rules++;
		if (enforcement)
			enforcement_rules_mended(enforcement, event->family);
		log_warning("somebody had changed netpold's rules of %s: they "
			    "are put up again",
			    tables);
		return;
	}
	log_error("netpold's rules of %s cannot be kept as they are: %s; "
		  "trying again",
		  tables, event->err.message);
}

static void hear_of_rules(struct guard *guard, struct enforcement *enforcement)
{
	struct repair_event event;
	int r;

	while ((r = repair_read(guard->repair, &event, &guard->why)) > 0)
		report(guard, enforcement, &event);
	if (r == 0 && guard->rests_due > 0 &&
	    clock_us() - guard->asked_us > runner_patience_us())
		r = repair_hangs(guard->repair, &guard->why);
	guard->lost |= r < 0;
}

int guard_rest(struct guard *guard, int patience_ms, struct err *err)
{
	const int64_t until_us = clock_us() + patience_ms * INT64_C(1000);

	ask_to_rest(guard);
	for (;;) {
		struct pollfd fd = { .fd = guard_fd(guard), .events = POLLIN };
		int64_t left_us = until_us - clock_us();

		hear_of_rules(guard, NULL);
		if (guard->rests_due == 0 || guard->lost)
			return 0;
		if (left_us <= 0)
			return err_set(err, -ETIMEDOUT,
				       "rules are being put up again, which "
				       "has taken %d s until now",
				       patience_ms / 1000);
		poll(&fd, 1, (int)(left_us / 1000) + 1);
	}
}

static void check_sets(struct guard *guard, struct enforcement *enforcement)
{
	size_t n_moved = 0;
	struct err err;
	int r = enforcement_mend_sets(enforcement, &n_moved, &err);

	guard->counters.members += n_moved;
	if (n_moved)
		log_warning("somebody had changed netpold's sets: %zu members "
			    "are put right",
			    n_moved);
	if (r < 0 && !guard->sets_failing)
		log_error("%s; trying again", err.message);
	guard->sets_failing = r < 0;
}

void guard_work(struct guard *guard, struct enforcement *enforcement)
{
	if (guard->lets_change) {
		guard->lets_change = false;
		repair_watch(guard->repair, enforcement_rules(enforcement),
			     guard->lock);
	}
	hear_of_rules(guard, enforcement);
	if (clock_us() < guard->sets_due_us)
		return;
	check_sets(guard, enforcement);
	guard->sets_due_us = clock_us() + SETS_INTERVAL_US;
}

int guard_check(const struct guard *guard, struct err *err)
{
	if (!guard->lost)
		return 0;
	return err_set(err, -EPIPE,
		       "%s: rules can neither be kept nor changed without it, "
		       "so netpold ends, and has to be started again",
		       guard->why.message);
}

pid_t guard_helper(const struct guard *guard)
{
	return repair_pid(guard->repair);
}

struct guard_counters guard_counters(const struct guard *guard)
{
	return guard->counters;
}

void guard_stop(struct guard *guard)
{
	if (!guard)
		return;
	repair_stop(guard->repair);
	free(guard);
}
