/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "enforcement_parts.h"

#include <stdbool.h>
#include <stddef.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "current.h"
#include "datapath/divert.h"
#include "datapath/local.h"
#include "datapath/recall.h"
#include "datapath/unclaimed.h"
#include "datapath/worker.h"
#include "fault.h"
#include "guard.h"
#include "rcu.h"

/* How long a change waits for workers that do not move, all together. They need
   a millisecond; whatever stops them for longer than this, such as a machine
   that stands still, costs the order of what they hold. */
#define PATIENCE_US 1000000

/* All workers at once, then wait for each: what is held is judged by what is
   current now, or held on. */
static void ask_workers(struct enforcement *e)
{
	int64_t until_us = clock_us() + PATIENCE_US;

	if (!fault_stands("held"))
		return;
	for (unsigned int i = 0; i < e->n_workers; i++)
		worker_ask(e->workers[i]);
	for (unsigned int i = 0; i < e->n_workers; i++)
		worker_await(e->workers[i], until_us);
}

/* For a pod that has come. */
void enforcement_judge_held(struct enforcement *e)
{
	if (e->unclaimed)
		ask_workers(e);
}

/* Owns @next. What the old one holds the next may let go. */
static void replace_unclaimed(struct enforcement *e, struct unclaimed *next)
{
	struct unclaimed *old = e->unclaimed;

	e->unclaimed = next;
	recall_owe_all(e->recall);
	for (unsigned int i = 0; i < e->n_workers; i++)
		worker_set_unclaimed(e->workers[i], next);
	if (e->n_workers > 0)
		rcu_grace_period();
	if (old)
		ask_workers(e);
	unclaimed_free(old);
}

int enforcement_renew_unclaimed(struct enforcement *e, struct err *err)
{
	CLEANUP(local_addresses_release) struct local_addresses local = { 0 };
	bool drops = e->standing_by && e->options->on_start == ON_START_DROP;
	struct unclaimed *next = NULL;
	int r = 0;

	if (e->watched.n > 0)
		r = local_addresses_read(&local, err);
	if (r == 0 && e->watched.n > 0)
		r = unclaimed_new(&e->watched, &local.all,
				  drops ? 0 : e->options->hold_ms, &next, err);
	if (r < 0)
		return r;
	if (next && e->unclaimed && unclaimed_equal(next, e->unclaimed))
		unclaimed_free(next);
	else if (next || e->unclaimed)
		replace_unclaimed(e, next);
	return 0;
}

void enforcement_guard(struct enforcement *enforcement, struct guard *guard)
{
	enforcement->guard = guard;
}

int enforcement_put_rules(struct enforcement *e, const struct pod_range *range,
			  struct err *err)
{
	int r;

	if (e->rules_stand && pod_range_equal(range, &e->rules.watched))
		return 0;
	if (e->guard)
		guard_let_change(e->guard);
	e->rules.watched = *range;
	/* Another program may hold the lock of iptables. */
	pulse_beat(&e->pulse);
	r = rules_install(&e->rules, err);
	pulse_beat(&e->pulse);
	e->rules_stand = r == 0;
	return r;
}

/* The set before the rules that ask it, so that nobody is taken for unknown who
   is not. */
static int begin_watching(struct enforcement *e, const struct pod_range *range,
			  struct err *err)
{
	int r;

	e->watched = *range;
	divert_watch(e->divert, range);
	r = divert_know(e->divert, current_load(), err);
	if (r == 0)
		r = enforcement_renew_unclaimed(e, err);
	return r < 0 ? r : enforcement_put_rules(e, range, err);
}

static int stop_watching(struct enforcement *e, const struct pod_range *none,
			 struct err *err)
{
	int r;

	e->watched = *none;
	r = enforcement_renew_unclaimed(e, err);
	if (r == 0)
		r = enforcement_put_rules(e, none, err);
	if (r < 0)
		return r;
	/* Takes out of the set who was known. */
	divert_watch(e->divert, none);
	return divert_add(e->divert, current_load(), err);
}

struct pod_range enforcement_range_to_watch(const struct enforcement *e)
{
	static const struct pod_range none = { .n = 0 };

	return e->options->hold_ms > 0 && !e->paused ? e->range : none;
}

int enforcement_watch(struct enforcement *e, struct err *err)
{
	const struct pod_range range = enforcement_range_to_watch(e);
	int r;

	if (e->watching && e->rules_stand &&
	    pod_range_equal(&range, &e->watched) &&
	    pod_range_equal(&range, &e->rules.watched))
		return 0;
	r = range.n > 0 ? begin_watching(e, &range, err)
			: stop_watching(e, &range, err);
	e->watching = r == 0;
	return r;
}

/* In a pause that is owed to its end: whatever is asked now is allowed. */
int enforcement_settle_answers(struct enforcement *e, struct err *err)
{
	pulse_beat(&e->pulse);
	return e->paused ? 0
			 : recall_settle(e->recall, current_load(),
					 e->unclaimed, err);
}

int enforcement_follow_range(struct enforcement *enforcement,
			     const struct pod_range *range, struct err *err)
{
	int r;

	enforcement->range = *range;
	r = enforcement_watch(enforcement, err);
	return r < 0 ? r : enforcement_settle_answers(enforcement, err);
}
