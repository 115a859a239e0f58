/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"
#include "datapath/repair.h"
#include "log.h"

#define SETS_INTERVAL_US (2 * 1000000)

struct guard {
	struct repair *repair;
	bool rests; /* the helper, while rules change */
	int64_t sets_due_us;
	bool sets_failing; /* and that was logged */
	bool blind;	   /* the helper has ended */
	struct guard_counters counters;
};

int guard_start(int lock, struct guard **out, struct err *err)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int r;

	if (!guard)
		return err_set(err, -ENOMEM, "no memory to start");
	r = repair_start(lock, &guard->repair, err);
	if (r < 0) {
		free(guard);
		return r;
	}
	*out = guard;
	return 0;
}

void guard_rest(struct guard *guard)
{
	guard->rests = true;
	repair_rest(guard->repair);
}

void guard_watch(struct guard *guard, const struct enforcement *enforcement)
{
	guard->sets_due_us = clock_us() + SETS_INTERVAL_US;
	guard->rests = false;
	repair_watch(guard->repair, enforcement_rules(enforcement));
}

int guard_fd(const struct guard *guard)
{
	return repair_fd(guard->repair);
}

static void report(struct guard *guard, const struct repair_event *event)
{
	const char *tables = event->family == IP_V6 ? "ip6tables" : "iptables";

	if (event->mended) {
		guard->counters.rules++;
		log_warning("somebody had changed netpold's rules of %s: they "
			    "are put up again",
			    tables);
		return;
	}
	log_error("netpold's rules of %s cannot be kept as they are: %s; "
		  "trying again",
		  tables, event->err.message);
}

static void hear_of_rules(struct guard *guard)
{
	struct repair_event event;
	int r;

	while ((r = repair_read(guard->repair, &event)) > 0)
		report(guard, &event);
	guard->blind |= r < 0;
	if (r < 0)
		log_error("the process that watches netpold's rules has ended: "
			  "nobody puts them up again if somebody changes them; "
			  "restart netpold");
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
	if (guard->rests)
		guard_watch(guard, enforcement);
	hear_of_rules(guard);
	if (clock_us() < guard->sets_due_us)
		return;
	check_sets(guard, enforcement);
	guard->sets_due_us = clock_us() + SETS_INTERVAL_US;
}

bool guard_is_blind(const struct guard *guard)
{
	return guard->blind;
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
