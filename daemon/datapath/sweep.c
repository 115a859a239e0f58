/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass dumps entries that carry a mark of netpold's, asks the snapshot about
 * each, and then clears the marks that have to go. Most of a dump's cost is the
 * kernel's: it walks through the whole table, and builds a message for each
 * entry that its filter lets through. So where a change is local, it is asked
 * only for the flows of the addresses whose answers may be others: by one
 * thread for those that they opened, by another for those that they answer.
 *
 * Is one pass enough? No verdict by an older snapshot is on its way any more,
 * so whatever gets a mark from now on gets it rightly; and no entry that is
 * there all the time is left out of a dump, unless the kernel says so. But a
 * connection that is announced by one that is just losing its mark may have
 * inherited it, behind the back of the dump. So a pass is made again where it
 * was interrupted, or took the mark from one that can announce others.
 */
#include "datapath/sweep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "netpold/cleanup.h"

#include "datapath/rejudge.h"
#include "datapath/walker.h"

#define MAX_PASSES 8

/* To walk through the table costs as much as to read so many entries. */
#define WALK_WORTH 4096

enum { OPENED, ANSWERED, N_WALKERS };

struct sweep {
	const struct mark_layout *marks;
	struct walker walkers[N_WALKERS];
};

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to sweep the connections");
}

int sweep_open(struct sweep **out, const struct mark_layout *marks,
	       struct err *err)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	int r = 0;

	if (!sweep)
		return no_memory(err);
	sweep->marks = marks;
	for (size_t i = 0; r == 0 && i < N_WALKERS; i++)
		r = walker_init(&sweep->walkers[i], err);
	if (r < 0) {
		sweep_close(sweep);
		return r;
	}
	*out = sweep;
	return 0;
}

void sweep_close(struct sweep *sweep)
{
	if (!sweep)
		return;
	for (size_t i = 0; i < N_WALKERS; i++)
		walker_release(&sweep->walkers[i]);
	free(sweep);
}

/* ---- a pass ------------------------------------------------------------- */

static void walk_side_by_side(struct sweep *sweep)
{
	struct walker *other = &sweep->walkers[ANSWERED];
	pthread_t thread;
	bool started = pthread_create(&thread, NULL, walker_run, other) == 0;

	walker_run(&sweep->walkers[OPENED]);
	if (started)
		pthread_join(thread, NULL);
	else
		walker_run(other);
}

/* Adds to *@n how many marks were changed; *@again, whether there may be more
   to change. */
static int run_pass(struct sweep *sweep, const struct walk *walk, size_t *n,
		    bool *again, struct err *err)
{
	size_t n_walkers = walk->addresses ? N_WALKERS : 1;
	int r = 0;

	for (size_t i = 0; i < n_walkers; i++)
		walker_begin(&sweep->walkers[i], walk, i == ANSWERED);
	if (n_walkers > 1)
		walk_side_by_side(sweep);
	else
		walker_run(&sweep->walkers[OPENED]);
	*again = false;
	for (size_t i = 0; r == 0 && i < n_walkers; i++) {
		struct walker *walker = &sweep->walkers[i];

		r = walker_finish(walker, err);
		*n += walker->pending.n;
		*again |= walker->again;
	}
	return r;
}

/* ---- sweeps ------------------------------------------------------------- */

static uint32_t value_now(const struct rejudge *rejudge,
			  const struct conntrack_entry *entry)
{
	return rejudge_allows(rejudge, entry)
		       ? entry->mark & rejudge->marks->mask
		       : 0;
}

static int run_passes(struct sweep *sweep, const struct walk *walk,
		      struct sweep_result *result, struct err *err)
{
	bool again = true;

	while (again && result->passes < MAX_PASSES) {
		int r = run_pass(sweep, walk, &result->revoked, &again, err);

		if (r < 0)
			return r;
		result->passes++;
	}
	return again ? err_set(err, -EAGAIN,
			       "connections that are no longer allowed keep "
			       "coming back after %u sweeps",
			       MAX_PASSES)
		     : 0;
}

/* Whether one walk over everything is less work than those for a few
   addresses, which find next to nothing. */
static bool is_cheaper_whole(struct sweep *sweep, size_t n_addresses)
{
	size_t n_entries;

	return n_addresses > 1 &&
	       conntrack_count(sweep->walkers[0].conntrack, &n_entries) == 0 &&
	       n_entries < (n_addresses - 1) * WALK_WORTH;
}

int sweep_run(struct sweep *sweep, const struct snapshot *snapshot,
	      const struct ip_addr *addresses, size_t n,
	      struct sweep_result *result, struct err *err)
{
	CLEANUP(rejudge_release) struct rejudge rejudge;
	struct walk walk = {
		.rejudge = &rejudge,
		.marks = sweep->marks,
		.value = value_now,
		.mark = sweep->marks->allowed,
		.mark_mask = sweep->marks->judged_mask,
	};
	int r = rejudge_init(&rejudge, snapshot, sweep->marks, err);

	*result = (struct sweep_result){ 0 };
	if (r < 0)
		return r;
	if (addresses && !is_cheaper_whole(sweep, n)) {
		walk.addresses = addresses;
		walk.n_addresses = n;
	}
	return run_passes(sweep, &walk, result, err);
}

int sweep_pick_up(struct sweep *sweep, const struct snapshot *snapshot,
		  struct sweep_result *result, struct err *err)
{
	CLEANUP(rejudge_release) struct rejudge rejudge;
	const struct walk walk = {
		.rejudge = &rejudge,
		.marks = sweep->marks,
		.value = rejudge_older,
		.mark_mask = sweep->marks->mask,
	};
	bool again; /* what is missed is judged when it speaks */
	int r = rejudge_init(&rejudge, snapshot, sweep->marks, err);

	*result = (struct sweep_result){ 0 };
	return r < 0 ? r
		     : run_pass(sweep, &walk, &result->picked_up, &again, err);
}

static uint32_t no_value(const struct rejudge *rejudge,
			 const struct conntrack_entry *entry)
{
	(void)rejudge;
	(void)entry;
	return 0;
}

int sweep_clear(struct sweep *sweep, struct err *err)
{
	const struct walk walk = { .marks = sweep->marks, .value = no_value };
	size_t n = 0;
	bool again;

	return run_pass(sweep, &walk, &n, &again, err);
}
