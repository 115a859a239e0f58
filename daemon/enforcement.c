/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of a change, and why it is this one (NF-63):
 *
 *	1. add to the sets	a pod has to be diverted before it is judged
 *	2. publish		new flows are judged by the new snapshot
 *	3. grace period		no verdict by the old one is on its way;
 *				what was held for a new pod gets its verdict
 *				before the pod counts as known (NP-67)
 *	4. remembered answers	no new flow meets one that is wrong now
 *	5. kernel's grace	nor is one on its way that has met it, and
 *				that no dump shows yet (NF-85)
 *	6. sweep		open flows that are no longer allowed lose
 *				their mark
 *	7. remove from the sets	whoever is free again is judged no more
 *
 * Only then is the change in force. Sweeping before the grace period is over
 * would miss a flow that a late verdict marks afterwards; removing from the
 * sets before the sweep would let a revoked flow slip out unjudged.
 *
 * A pause is a snapshot that isolates nobody: with the sets empty nothing comes
 * to be judged, and what is on its way passes. Nobody who looks after the sets
 * has to know of it. At the end of it everything is owed a sweep, and the next
 * change is the one above. Connections that were opened meanwhile have no mark,
 * and are judged as any new ones. Nobody is waited for either: that has rules
 * of its own, which go, and come back.
 *
 * A start is the same change, with what is needed for it put up first: queues
 * before rules, so that no rule leads to a queue that nobody reads. Where
 * something has to stand by until the first sync (--on-start), that is put up
 * with a snapshot that knows no pod, and the first sync is a change of it.
 */
#include "enforcement.h"

#include <errno.h>
#include <string.h>

#include "netpold/cleanup.h"
#include "netpold/cluster.h"

#include "clock.h"
#include "current.h"
#include "datapath/address_list.h"
#include "datapath/bridge.h"
#include "datapath/divert.h"
#include "datapath/recall.h"
#include "datapath/rules.h"
#include "datapath/sweep.h"
#include "enforcement_parts.h"
#include "fault.h"
#include "log.h"

/* ---- what is to be swept ------------------------------------------------ */

static bool is_target(const struct enforcement *e, const struct ip_addr *addr)
{
	for (size_t i = 0; i < e->n_targets; i++)
		if (ip_addr_equal(&e->targets[i], addr))
			return true;
	return false;
}

static void add_target(struct enforcement *e, const struct ip_addr *addr)
{
	if (e->extent == SWEEP_ALL || is_target(e, addr))
		return;
	if (e->n_targets == SWEEP_MAX_TARGETS) {
		e->extent = SWEEP_ALL;
		return;
	}
	e->targets[e->n_targets++] = *addr;
	e->extent = SWEEP_ADDRESSES;
}

/* Added to what has not been swept yet. */
static void owe_sweep(struct enforcement *e, const struct update *update)
{
	bool may_deny = false;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		may_deny |= update->may_deny[dir];
		e->of[dir] |= update->may_deny[dir];
	}
	if (!may_deny)
		return;
	if (update->from_nothing)
		e->extent = SWEEP_ALL;
	for (size_t i = 0; i < update->n_addresses; i++)
		add_target(e, &update->addresses[i]);
}

/* ---- a change ----------------------------------------------------------- */

static int pick_up_older(struct enforcement *e,
			 struct enforcement_change *change, struct err *err)
{
	struct sweep_result swept;
	int r;

	if (e->started || e->options->audit)
		return 0;
	r = sweep_pick_up(e->sweep, current_load(), &swept, err);
	if (r < 0)
		return r;
	e->started = true;
	change->n_picked_up = swept.picked_up;
	return 0;
}

/* What workers have marked up to now stands in the kernel when this returns. */
static struct marks_given marks_given(const struct enforcement *e)
{
	struct worker_counters sum = { 0 };

	for (unsigned int i = 0; i < e->n_workers; i++)
		worker_count(e->workers[i], &sum);
	current_wait_out();
	return (struct marks_given){ .ipv6 = sum.allowed_ipv6 +
					     recall_adopted(e->recall, IP_V6),
				     .picked_up = sum.picked_up };
}

static int sweep(struct enforcement *e, const struct snapshot *snapshot,
		 struct enforcement_change *change, struct err *err)
{
	struct sweep_request request = {
		.addresses = e->extent == SWEEP_ALL ? NULL : e->targets,
		.n = e->n_targets,
		.unclaimed = e->unclaimed,
	};
	struct sweep_result swept;
	int r;

	/* No connection has a mark that counts. */
	if (e->options->audit)
		e->extent = SWEEP_NONE;
	change->extent = e->extent;
	if (e->extent == SWEEP_NONE)
		return 0;
	pulse_beat(&e->pulse);
	recall_wait(e->recall);
	memcpy(request.of, e->of, sizeof(request.of));
	request.given = marks_given(e);
	r = sweep_run(e->sweep, snapshot, &request, &swept, err);
	if (r < 0)
		return r;
	change->n_revoked = swept.revoked;
	e->extent = SWEEP_NONE;
	e->n_targets = 0;
	memset(e->of, 0, sizeof(e->of));
	return 0;
}

static bool needs_restoring(const struct enforcement *e)
{
	return e->shaken || e->bare[0] || e->bare[1];
}

/* What another netpold may have changed that was about to take over, or
   somebody has destroyed. */
static int restore(struct enforcement *e, struct err *err)
{
	int r;

	if (!needs_restoring(e))
		return 0;
	e->rules_stand = false;
	r = enforcement_put_rules(e, &e->rules.watched, err);
	if (r == 0)
		r = divert_add(e->divert, current_load(), err);
	if (r == 0)
		e->shaken = e->bare[0] = e->bare[1] = false;
	return r;
}

/* From step 4 on. In a pause the sweep is for its end. */
int enforcement_settle_all(struct enforcement *e,
			   struct enforcement_change *change, struct err *err)
{
	int r;

	if (e->paused)
		return divert_remove(e->divert, current_load(), err);
	/* What the kernel remembers comes before all else: new flows meet it
	   whatever becomes of the rest. Rules name its sets. */
	r = needs_restoring(e) ? recall_renew(e->recall, err) : 0;
	if (r == 0)
		r = enforcement_settle_answers(e, err);
	if (r == 0)
		r = restore(e, err);
	if (r == 0)
		r = divert_know(e->divert, current_load(), err);
	if (r == 0)
		r = enforcement_watch(e, err);
	if (r == 0)
		r = enforcement_settle_answers(e, err);
	if (r == 0)
		r = pick_up_older(e, change, err);
	if (r < 0)
		return r;
	r = sweep(e, current_load(), change, err);
	if (r < 0)
		return r;
	r = divert_remove(e->divert, current_load(), err);
	if (r < 0)
		return r;
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		change->n_isolated[dir] = divert_count(e->divert, dir);
	change->in_force_us = clock_us();
	return 0;
}

int enforcement_settle(struct enforcement *enforcement,
		       struct enforcement_change *change, struct err *err)
{
	*change = (struct enforcement_change){ 0 };
	return enforcement_settle_all(enforcement, change, err);
}

/* Policy between pods of one bridge is only enforced when bridged packets go
   through iptables at all (NF-7). */
static int list_pod(void *ctx, const struct local_address *address)
{
	return address_list_append(ctx, &address->addr);
}

int enforcement_check(const struct snapshot *snapshot, struct err *err)
{
	CLEANUP(address_list_release) struct address_list pods = { 0 };

	if (snapshot_each_local(snapshot, list_pod, &pods) < 0)
		return err_set(err, -ENOMEM, "no memory for pods' addresses");
	address_list_sort(&pods);
	return bridge_check(pods.items, pods.n, err);
}

/* Pods may come to a bridge later, and its setting may change. */
static void watch_bridges(struct enforcement *e,
			  const struct snapshot *snapshot)
{
	struct err err;
	bool unseen = enforcement_check(snapshot, &err) < 0;

	if (unseen && !e->unseen)
		log_error("%s; until then these pods are not protected from "
			  "each other",
			  err.message);
	e->unseen = unseen;
}

int enforcement_apply(struct enforcement *enforcement, struct snapshot *next,
		      const struct update *update, bool *published,
		      struct enforcement_change *change, struct err *err)
{
	int64_t began_us;
	int r;

	*published = false;
	*change = (struct enforcement_change){ 0 };
	/* A sweep by the old snapshot, in between, has not settled what the new
	   one changes; and what that was, is told once. */
	if (enforcement->unpublished) {
		enforcement->extent = SWEEP_ALL;
		recall_owe_all(enforcement->recall);
	}
	enforcement->unpublished = true;
	owe_sweep(enforcement, update);
	recall_owe(enforcement->recall, update);
	pulse_beat(&enforcement->pulse);
	began_us = clock_us();
	r = divert_add(enforcement->divert, next, err);
	change->program_us = clock_us() - began_us;
	if (r == 0 && !fault_stands("sweep-last"))
		r = sweep(enforcement, next, change, err);
	if (r < 0)
		return r;
	fault_delay("publish");
	current_replace(next);
	*published = true;
	enforcement->unpublished = false;
	enforcement->paused = false;
	change->published_us = clock_us();
	enforcement_judge_held(enforcement);
	r = enforcement_settle_all(enforcement, change, err);
	watch_bridges(enforcement, next);
	return r;
}

/* ---- a pause ------------------------------------------------------------ */

int enforcement_compile_open(struct snapshot **out, struct err *err)
{
	static const struct snapshot_options options = { .node_name = "" };
	CLEANUP(cluster_freep) struct cluster *nothing = cluster_new();

	return nothing ? snapshot_compile(nothing, &options, out, err)
		       : err_set(err, -ENOMEM, "no memory for a pause");
}

/* Sets first, then rules, for which another program may make us wait, and
   workers last, since one may stand still: what they hold waits until then.
   What was owed a sweep is, and much more. */
static int begin_pause(struct enforcement *e, struct snapshot *open,
		       struct err *err)
{
	struct pod_range watching;
	int r;

	e->extent = SWEEP_ALL;
	e->n_targets = 0;
	if (fault_stands("owed"))
		recall_owe_all(e->recall);
	e->paused = true;
	watching = enforcement_range_to_watch(e);
	r = divert_remove(e->divert, open, err);
	if (r == 0)
		r = enforcement_put_rules(e, &watching, err);
	else
		enforcement_put_rules(e, &watching, NULL);
	current_replace(open);
	return r < 0 ? r : enforcement_watch(e, err);
}

int enforcement_pause(struct enforcement *enforcement, struct err *err)
{
	struct snapshot *open;
	int r;

	if (!enforcement->paused) {
		r = enforcement_compile_open(&open, err);
		return r < 0 ? r : begin_pause(enforcement, open, err);
	}
	r = divert_remove(enforcement->divert, current_load(), err);
	return r < 0 ? r : enforcement_watch(enforcement, err);
}

bool enforcement_is_paused(const struct enforcement *enforcement)
{
	return enforcement->paused;
}

/* ---- what may have changed without us ------------------------------------ */

/* Nobody gets out of a set before his flows are swept. */
static bool may_remove(const struct enforcement *e)
{
	return e->extent == SWEEP_NONE || e->paused;
}

int enforcement_follow_addresses(struct enforcement *enforcement,
				 struct err *err)
{
	int r = enforcement_renew_unclaimed(enforcement, err);

	if (r == 0)
		r = divert_add(enforcement->divert, current_load(), err);
	if (r == 0)
		r = divert_know(enforcement->divert, current_load(), err);
	if (r == 0)
		r = enforcement_settle_answers(enforcement, err);
	if (r < 0 || !may_remove(enforcement))
		return r;
	return divert_remove(enforcement->divert, current_load(), err);
}

int enforcement_mend_sets(struct enforcement *enforcement, size_t *n_moved,
			  struct err *err)
{
	size_t n_answers = 0;
	bool anew[2];
	int r = divert_mend(enforcement->divert, current_load(),
			    may_remove(enforcement), n_moved, anew, err);

	/* The rules are gone, too. The helper puts them up in a while, but no
	   change may count as in force before. */
	for (int i = 0; i < 2 && fault_stands("anew"); i++)
		enforcement->bare[i] |= anew[i];
	if (r == 0)
		r = recall_mend(enforcement->recall, &n_answers, err);
	*n_moved += n_answers;
	return r;
}

void enforcement_rules_mended(struct enforcement *enforcement,
			      enum ip_family family)
{
	enforcement->bare[family == IP_V6] = false;
}

int enforcement_fd(const struct enforcement *enforcement)
{
	return recall_fd(enforcement->recall);
}

void enforcement_work(struct enforcement *enforcement)
{
	recall_work(enforcement->recall);
}

struct recall_counts enforcement_answers(const struct enforcement *enforcement)
{
	return recall_counts(enforcement->recall);
}

const struct rules_options *
enforcement_rules(const struct enforcement *enforcement)
{
	return &enforcement->rules;
}

/* ---- what there is ------------------------------------------------------ */

enum iptables_flavour enforcement_flavour(const struct enforcement *enforcement)
{
	return enforcement->flavour;
}

const struct worker *const *
enforcement_workers(const struct enforcement *enforcement)
{
	return (const struct worker *const *)enforcement->workers;
}

struct worker_counters
enforcement_counters(const struct enforcement *enforcement)
{
	struct worker_counters sum = { 0 };

	for (unsigned int i = 0; i < enforcement->n_workers; i++)
		worker_count(enforcement->workers[i], &sum);
	return sum;
}
