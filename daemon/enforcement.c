/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of a change, and why it is this one (NF-63):
 *
 *	1. add to the sets	a pod has to be diverted before it is judged
 *	2. publish		new flows are judged by the new snapshot
 *	3. grace period		no verdict by the old one is on its way
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
 * and are judged as any new ones.
 *
 * A start is the same change, with what is needed for it put up first: queues
 * before rules, so that no rule leads to a queue that nobody reads.
 */
#include "enforcement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"
#include "netpold/cluster.h"

#include "clock.h"
#include "current.h"
#include "datapath/address_list.h"
#include "datapath/bridge.h"
#include "datapath/divert.h"
#include "datapath/mark.h"
#include "datapath/rules.h"
#include "datapath/sweep.h"
#include "fault.h"
#include "log.h"
#include "probe.h"

struct enforcement {
	struct mark_layout marks;
	enum iptables_flavour flavour;
	struct rules_options rules;
	struct divert *divert;
	struct recall *recall;
	struct sweep *sweep;
	struct worker **workers;
	unsigned int n_workers;
	bool unpublished; /* the last change; what it owes may be paid early */
	bool started;	  /* flows older than netpold have been picked up */
	bool paused;	  /* the snapshot is one that isolates nobody */
	/* What has to be swept before the snapshot is in force: what failed
	   before, too. */
	enum sweep_extent extent;
	struct ip_addr targets[SWEEP_MAX_TARGETS];
	size_t n_targets;
	bool of[N_DIRECTIONS]; /* what they open, what they answer */
	bool adopted;	       /* rules of an earlier run stood at the start */
	bool unseen;	       /* a bridge hides pods, and that was logged */
	bool touched;	       /* sets or rules may have been made */
};

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

	if (e->started)
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
	};
	struct sweep_result swept;
	int r;

	change->extent = e->extent;
	if (e->extent == SWEEP_NONE)
		return 0;
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

/* From step 4 on. In a pause the sweep is for its end. */
static int settle(struct enforcement *e, struct enforcement_change *change,
		  struct err *err)
{
	int r;

	if (e->paused)
		return divert_remove(e->divert, current_load(), err);
	r = recall_settle(e->recall, current_load(), err);
	if (r < 0)
		return r;
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
	return settle(enforcement, change, err);
}

/* Policy between pods of one bridge is only enforced when bridged packets go
   through iptables at all (NF-7). */
static int list_pod(void *ctx, const struct local_address *address)
{
	return address_list_append(ctx, &address->addr);
}

static int check_bridges(const struct snapshot *snapshot, struct err *err)
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
	bool unseen = check_bridges(snapshot, &err) < 0;

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
	r = divert_add(enforcement->divert, next, err);
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
	r = settle(enforcement, change, err);
	watch_bridges(enforcement, next);
	return r;
}

/* ---- a pause ------------------------------------------------------------ */

static int compile_open(struct snapshot **out, struct err *err)
{
	static const struct snapshot_options options = { .node_name = "" };
	CLEANUP(cluster_freep) struct cluster *nothing = cluster_new();

	return nothing ? snapshot_compile(nothing, &options, out, err)
		       : err_set(err, -ENOMEM, "no memory for a pause");
}

/* The sets first: to publish is to wait for workers, and one may stand still.
   What was owed a sweep is, and much more. */
static int begin_pause(struct enforcement *e, struct snapshot *open,
		       struct err *err)
{
	int r;

	e->extent = SWEEP_ALL;
	e->n_targets = 0;
	if (fault_stands("owed"))
		recall_owe_all(e->recall);
	e->paused = true;
	r = divert_remove(e->divert, open, err);
	current_replace(open);
	return r;
}

int enforcement_pause(struct enforcement *enforcement, struct err *err)
{
	struct snapshot *open;
	int r;

	if (enforcement->paused)
		return divert_remove(enforcement->divert, current_load(), err);
	r = compile_open(&open, err);
	return r < 0 ? r : begin_pause(enforcement, open, err);
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
	int r = divert_add(enforcement->divert, current_load(), err);

	if (r < 0 || !may_remove(enforcement))
		return r;
	return divert_remove(enforcement->divert, current_load(), err);
}

int enforcement_mend_sets(struct enforcement *enforcement, size_t *n_moved,
			  struct err *err)
{
	size_t n_answers;
	int r = recall_mend(enforcement->recall, &n_answers, err);

	*n_moved = n_answers;
	if (r < 0)
		return r;
	r = divert_mend(enforcement->divert, current_load(),
			may_remove(enforcement), n_moved, err);
	*n_moved += n_answers;
	return r;
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

/* ---- start and stop ----------------------------------------------------- */

static int start_workers(struct enforcement *e,
			 const struct enforcement_options *options,
			 struct err *err)
{
	unsigned int n = options->n_workers;

	e->workers = calloc(n, sizeof(struct worker *));
	if (!e->workers)
		return err_set(err, -ENOMEM, "no memory for workers");
	for (unsigned int i = 0; i < n; i++) {
		const struct worker_options worker = {
			.queue.number = (uint16_t)(options->queue_base + i),
			.queue.accept_overload = options->accept_overload,
			.cpu = i,
			.poll_us = options->poll_us,
			.reject = options->reject,
			.marks = &e->marks,
			.answers = recall_ring(e->recall, i),
		};
		int r = worker_start(&worker, &e->workers[i], err);

		if (r < 0)
			return r;
		e->n_workers++;
	}
	return 0;
}

static int choose_flavour(struct enforcement *e,
			  const struct enforcement_options *options,
			  struct err *err)
{
	e->flavour = options->flavour;
	return e->flavour == IPTABLES_AUTO ? iptables_detect(&e->flavour, err)
					   : 0;
}

/* Rules of both flavours at once would judge every packet twice (L14). */
static int check_flavours(struct enforcement *e, struct err *err)
{
	enum iptables_flavour other =
		e->flavour == IPTABLES_NFT ? IPTABLES_LEGACY : IPTABLES_NFT;
	bool mixed;
	int r;

	r = rules_stand(other, &mixed, err);
	if (r < 0)
		return r;
	if (mixed)
		return err_set(err, -EEXIST,
			       "rules of netpold stand in iptables-%s, and "
			       "this run would use iptables-%s: run `netpold "
			       "clean` first, or choose with --iptables",
			       iptables_flavour_name(other),
			       iptables_flavour_name(e->flavour));
	return rules_stand(e->flavour, &e->adopted, err);
}

static void warn_of_use(void *ctx, const struct finding *finding)
{
	(void)ctx;
	log_warning("%s", finding->text);
}

/* All that can fail without a trace in the kernel. */
static int prepare(struct enforcement *e,
		   const struct enforcement_options *options,
		   const struct snapshot *first, struct err *err)
{
	int r;

	r = mark_layout_init(&e->marks, options->mark_mask, err);
	if (r < 0)
		return r;
	r = check_bridges(first, err);
	if (r < 0)
		return r;
	r = choose_flavour(e, options, err);
	if (r < 0)
		return r;
	r = check_flavours(e, err);
	if (r == 0)
		r = probe_marks(e->marks.mask, warn_of_use, NULL, err);
	if (r < 0)
		return r;
	return sweep_open(&e->sweep, &e->marks, err);
}

/* Who is refused with an answer has to be known to us each time. */
static int open_answers(struct enforcement *e,
			const struct enforcement_options *options,
			struct err *err)
{
	const struct recall_options answers = {
		.size = options->kernel_cache,
		.remember[VERDICT_ALLOW] = options->kernel_cache > 0,
		.remember[VERDICT_DENY] =
			options->kernel_cache > 0 && !options->reject,
		.n_workers = options->n_workers,
	};

	memcpy(e->rules.remember, answers.remember, sizeof(answers.remember));
	return recall_open(&answers, &e->recall, err);
}

static int put_up(struct enforcement *e,
		  const struct enforcement_options *options, struct err *err)
{
	int r;

	e->rules = (struct rules_options){
		.flavour = e->flavour,
		.marks = &e->marks,
		.queue_base = options->queue_base,
		.n_queues = (uint16_t)options->n_workers,
		.closed = options->fail_closed,
		.allow_node_egress = options->allow_node_egress,
	};
	e->touched = true;
	r = open_answers(e, options, err);
	if (r < 0)
		return r;
	r = start_workers(e, options, err);
	if (r < 0)
		return r;
	r = divert_open(&e->divert, err);
	if (r < 0)
		return r;
	r = rules_install(&e->rules, err);
	if (r < 0)
		return r;
	recall_begin(e->recall);
	return divert_add(e->divert, current_load(), err);
}

static void stop_workers(struct enforcement *e)
{
	for (unsigned int i = 0; i < e->n_workers; i++)
		worker_stop(e->workers[i]);
	e->n_workers = 0;
	free(e->workers);
	e->workers = NULL;
}

static void enforcement_release(struct enforcement *e)
{
	stop_workers(e);
	divert_close(e->divert);
	recall_close(e->recall);
	sweep_close(e->sweep);
	free(e);
}

/* A start that failed where nothing of netpold's stood leaves nothing behind.
   Where rules stood they stay, and bypass. What stands in the way of that is
   not what the operator has to hear of first. */
static void take_down(struct enforcement *e)
{
	stop_workers(e);
	current_withdraw();
	if (!e->touched || e->adopted)
		return;
	divert_close(e->divert);
	e->divert = NULL;
	rules_remove(e->flavour, NULL);
	divert_destroy_sets(NULL);
	recall_destroy_sets(NULL);
}

enum beginning { IN_FORCE, PAUSED };

static int start_with(const struct enforcement_options *options,
		      struct snapshot *first, enum beginning beginning,
		      struct enforcement **out,
		      struct enforcement_change *change, struct err *err)
{
	struct enforcement *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return err_set(err, -ENOMEM, "no memory to start");
	/* Every mark found is judged anew before anything counts as in force
	   (NF-69). */
	e->extent = SWEEP_ALL;
	/* Whoever began the pause has picked up what was older than netpold.
	   What a pause has let in is not to be taken for that: at its end it is
	   judged in its own direction alone. */
	e->paused = e->started = beginning == PAUSED;
	*change = (struct enforcement_change){ 0 };
	r = prepare(e, options, first, err);
	if (r < 0) {
		enforcement_release(e);
		return r;
	}
	/* Published before the queues are bound: the rules of an earlier run
	   may bring packets at once. */
	current_replace(first);
	change->published_us = clock_us();
	r = put_up(e, options, err);
	if (r == 0)
		r = settle(e, change, err);
	if (r < 0) {
		take_down(e);
		enforcement_release(e);
		return r;
	}
	*out = e;
	return 0;
}

int enforcement_start(const struct enforcement_options *options,
		      struct snapshot *first, struct enforcement **out,
		      struct enforcement_change *change, struct err *err)
{
	struct snapshot *open;
	int r;

	if (first)
		return start_with(options, first, IN_FORCE, out, change, err);
	r = compile_open(&open, err);
	if (r < 0)
		return r;
	r = start_with(options, open, PAUSED, out, change, err);
	if (r < 0)
		snapshot_free(open);
	return r;
}

void enforcement_stop(struct enforcement *enforcement)
{
	if (!enforcement)
		return;
	enforcement_release(enforcement);
	current_replace(NULL);
}

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
