/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass dumps entries that carry a mark of netpold's, asks the snapshot about
 * each, and then clears the marks that have to go. Most of a dump's cost is the
 * kernel's: it walks through the whole table, and builds a message for each
 * entry that its filter lets through. So where a change is local, it is asked
 * only for the flows of the addresses whose answers may be others, and only for
 * those that they opened or those that they answer, where that is all that the
 * change is about. Dumps at the same time are no help: the kernel makes them
 * wait for one another (nfnl_lock()), as long as they find nothing.
 *
 * What a filter cannot ask for at once is looked for only where there may be
 * any: flows of IPv6 where one has ever been marked; flows that were picked up,
 * in which the ends may be the wrong way round, where some have been marked
 * since none were found; connections that others have announced, which may
 * lead back to who answers, where anybody has ever announced one.
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
#include <stdlib.h>

#include "netpold/cleanup.h"

#include "datapath/rejudge.h"
#include "datapath/walker.h"
#include "pulse.h"

#define MAX_PASSES 8

/* To walk through the table costs as much as to read so many entries. */
#define WALK_WORTH 4096

struct sweep {
	const struct mark_layout *marks;
	struct walker walker;
	/* What there may be to find. */
	bool ipv6;
	bool children;
	bool picked_up_none; /* and where none was found, */
	uint64_t picked_up;  /* so many had been given */
};

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to sweep the connections");
}

int sweep_open(struct sweep **out, const struct mark_layout *marks,
	       struct err *err)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	int r;

	if (!sweep)
		return no_memory(err);
	sweep->marks = marks;
	r = walker_init(&sweep->walker, err);
	if (r < 0) {
		sweep_close(sweep);
		return r;
	}
	*out = sweep;
	return 0;
}

void sweep_set_pulse(struct sweep *sweep, const struct pulse *pulse)
{
	sweep->walker.pulse = *pulse;
}

void sweep_close(struct sweep *sweep)
{
	if (!sweep)
		return;
	walker_release(&sweep->walker);
	free(sweep);
}

/* ---- a pass ------------------------------------------------------------- */

/* Whether it would have met every flow that was picked up. */
static bool meets_picked_up(const struct walk *walk)
{
	return !walk->addresses || walk->all_picked_up;
}

/* From a walk that came to its end, or did not. */
static void learn(struct sweep *sweep, const struct walk *walk, bool ended,
		  const struct marks_given *given)
{
	const struct walker *walker = &sweep->walker;

	sweep->ipv6 |= walker->met_ipv6;
	sweep->children |= walker->met_child;
	if (walker->met_picked_up || walker->again || !ended)
		sweep->picked_up_none = false;
	else if (given && meets_picked_up(walk)) {
		sweep->picked_up_none = true;
		sweep->picked_up = given->picked_up;
	}
}

/* Adds to *@n how many marks were changed; *@again, whether there may be more
   to change. @given may be NULL. */
static int run_pass(struct sweep *sweep, const struct walk *walk,
		    const struct marks_given *given, size_t *n, bool *again,
		    struct err *err)
{
	int r = walker_run(&sweep->walker, walk, err);

	learn(sweep, walk, r == 0, given);
	*n += sweep->walker.pending.n;
	*again = sweep->walker.again;
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
		      const struct marks_given *given,
		      struct sweep_result *result, struct err *err)
{
	struct walk either_way = *walk;
	bool again = true;

	while (again && result->passes < MAX_PASSES) {
		int r = run_pass(sweep, &either_way, given, &result->revoked,
				 &again, err);

		if (r < 0)
			return r;
		result->passes++;
		/* What was announced may lead back. */
		either_way.opened = either_way.answered = true;
	}
	return again ? err_set(err, -EAGAIN,
			       "connections that are no longer allowed keep "
			       "coming back after %u sweeps",
			       MAX_PASSES)
		     : 0;
}

/* ---- whose flows to look at --------------------------------------------- */

static size_t count_of_family(const struct sweep_request *request,
			      enum ip_family family)
{
	size_t n = 0;

	for (size_t i = 0; i < request->n; i++)
		n += request->addresses[i].family == family;
	return n;
}

/* Whether one walk over everything is less work than those for a few
   addresses, which find next to nothing. */
static bool is_cheaper_whole(struct sweep *sweep, const struct walk *walk,
			     size_t n_v4)
{
	size_t n_dumps = (walk->opened + walk->answered) * n_v4 +
			 walk->all_ipv6 + walk->all_picked_up;
	size_t n_entries;

	return n_dumps > 1 &&
	       conntrack_count(sweep->walker.conntrack, &n_entries) == 0 &&
	       n_entries < (n_dumps - 1) * WALK_WORTH;
}

/* Whatever is announced later is looked for by another pass, where its master
   loses its mark. */
static bool may_have_children(struct sweep *sweep)
{
	size_t n;

	if (!sweep->children)
		sweep->children = conntrack_count_expected(
					  sweep->walker.conntrack, &n) < 0 ||
				  n > 0;
	return sweep->children;
}

static void aim(struct sweep *sweep, const struct sweep_request *request,
		struct walk *walk)
{
	size_t n_v4 = count_of_family(request, IP_V4);
	bool one_way;

	sweep->ipv6 |= request->given.ipv6 > 0;
	walk->addresses = request->addresses;
	walk->n_addresses = request->n;
	one_way = request->of[DIRECTION_EGRESS] !=
			  request->of[DIRECTION_INGRESS] &&
		  !may_have_children(sweep);
	walk->opened = !one_way || request->of[DIRECTION_EGRESS];
	walk->answered = !one_way || request->of[DIRECTION_INGRESS];
	walk->all_ipv6 = sweep->ipv6 && n_v4 < request->n;
	walk->all_picked_up =
		one_way && !(sweep->picked_up_none &&
			     sweep->picked_up == request->given.picked_up);
	if (is_cheaper_whole(sweep, walk, n_v4))
		walk->addresses = NULL;
}

int sweep_run(struct sweep *sweep, const struct snapshot *snapshot,
	      const struct sweep_request *request, struct sweep_result *result,
	      struct err *err)
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
	rejudge.unclaimed = request->unclaimed;
	if (request->addresses)
		aim(sweep, request, &walk);
	return run_passes(sweep, &walk, &request->given, result, err);
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
		     : run_pass(sweep, &walk, NULL, &result->picked_up, &again,
				err);
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

	return run_pass(sweep, &walk, NULL, &n, &again, err);
}
