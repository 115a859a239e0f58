/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A start is a change (enforcement.c), with what is needed for it put up first:
 * queues before rules, so that no rule leads to a queue that nobody reads.
 * Where something has to stand by until the first sync (--on-start), that is
 * put up with a snapshot that knows no pod, and the first sync is a change of
 * it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "netpold/onset.h"

#include "clock.h"
#include "current.h"
#include "datapath/divert.h"
#include "datapath/mark.h"
#include "datapath/recall.h"
#include "datapath/rules.h"
#include "datapath/sweep.h"
#include "datapath/unclaimed.h"
#include "enforcement.h"
#include "enforcement_parts.h"
#include "fault.h"
#include "flowlog/flow_log.h"
#include "flowlog/hit_watch.h"
#include "log.h"
#include "probe.h"

/* ---- workers ------------------------------------------------------------ */

/* With a queue for each CPU none is needed, nor where nobody marks flows. */
static int make_onset(struct enforcement *e, unsigned int n_workers,
		      struct err *err)
{
	uint64_t hash_key[2];

	if (e->options->audit || n_workers >= sysconf(_SC_NPROCESSORS_ONLN))
		return 0;
	if (getrandom(hash_key, sizeof(hash_key), 0) != sizeof(hash_key))
		return err_set(err, -errno, "cannot draw a random key: %s",
			       strerror(errno));
	e->onset = onset_new(hash_key);
	return e->onset ? 0 : err_set(err, -ENOMEM, "no memory for workers");
}

static int start_worker(struct enforcement *e, unsigned int i, int queue,
			struct err *err)
{
	const struct enforcement_options *options = e->options;
	const struct worker_options worker = {
		.queue.number = (uint16_t)(options->queue_base + i),
		.queue.accept_overload = options->accept_overload,
		.audit = options->audit,
		.inherited_fd = queue,
		.cpu = i,
		.poll_us = options->poll_us,
		.reject = options->reject,
		.marks = &e->marks,
		.onset = e->onset,
		.answers = recall_ring(e->recall, i),
		.events = flow_log_ring(e->log, i),
		.unclaimed = e->unclaimed,
		.tells_policies = options->tell_policies,
	};
	int r = worker_start(&worker, &e->workers[i], err);

	if (r == 0)
		e->n_workers++;
	return r;
}

static int start_workers(struct enforcement *e, const int *queues,
			 struct err *err)
{
	unsigned int n = e->options->n_workers, n_taken = 0;
	int r = make_onset(e, n, err);

	if (r == 0)
		e->workers = calloc(n, sizeof(struct worker *));
	if (r == 0 && !e->workers)
		r = err_set(err, -ENOMEM, "no memory for workers");
	for (; r == 0 && n_taken < n; n_taken++)
		r = start_worker(e, n_taken, queues ? queues[n_taken] : -1,
				 err);
	for (; queues && n_taken < n; n_taken++)
		close(queues[n_taken]);
	return r;
}

static void stop_workers(struct enforcement *e)
{
	for (unsigned int i = 0; i < e->n_workers; i++)
		worker_stop(e->workers[i]);
	hit_watch_stop(e->hits);
	e->hits = NULL;
	/* While there is somebody to ask for names. */
	flow_log_stop(e->log);
	e->n_workers = 0;
	free(e->workers);
	e->workers = NULL;
	onset_free(e->onset);
	e->onset = NULL;
}

/* ---- what there is to work with ----------------------------------------- */

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
	struct rules_standing standing;
	int r;

	r = rules_stand(other, &standing, err);
	if (r < 0)
		return r;
	if (standing.any)
		return err_set(err, -EEXIST,
			       "rules of netpold stand in iptables-%s, and "
			       "this run would use iptables-%s: run `netpold "
			       "clean` first, or choose with --iptables",
			       iptables_flavour_name(other),
			       iptables_flavour_name(e->flavour));
	r = rules_stand(e->flavour, &standing, err);
	e->adopted = r == 0 && standing.any;
	e->enforced = r == 0 && standing.enforce;
	return r;
}

static void warn_of_use(void *ctx, const struct finding *finding)
{
	(void)ctx;
	log_warning("%s", finding->text);
}

/* All that can fail without a trace in the kernel. */
static int prepare(struct enforcement *e, struct err *err)
{
	int r;

	r = mark_layout_init(&e->marks, e->options->mark_mask, err);
	if (r < 0)
		return r;
	r = choose_flavour(e, e->options, err);
	if (r < 0)
		return r;
	r = check_flavours(e, err);
	if (r == 0 && !e->options->audit)
		r = probe_marks(e->marks.mask, warn_of_use, NULL, err);
	if (r < 0)
		return r;
	return sweep_open(&e->sweep, &e->marks, err);
}

static void enforcement_release(struct enforcement *e)
{
	stop_workers(e);
	divert_close(e->divert);
	recall_close(e->recall);
	sweep_close(e->sweep);
	unclaimed_free(e->unclaimed);
	free(e);
}

static void enforcement_releasep(struct enforcement **e)
{
	if (*e)
		enforcement_release(*e);
}

int enforcement_open(const struct enforcement_options *options,
		     struct enforcement **out, struct err *err)
{
	CLEANUP(enforcement_releasep) struct enforcement *e = NULL;
	int r;

	e = calloc(1, sizeof(*e));
	if (!e)
		return err_set(err, -ENOMEM, "no memory to start");
	e->options = options;
	/* Every mark found is judged anew before anything counts as in force
	   (NF-69). */
	e->extent = options->audit ? SWEEP_NONE : SWEEP_ALL;
	r = prepare(e, err);
	if (r < 0)
		return r;
	*out = e;
	e = NULL;
	return 0;
}

void enforcement_set_pulse(struct enforcement *enforcement,
			   const struct pulse *pulse)
{
	enforcement->pulse = *pulse;
	sweep_set_pulse(enforcement->sweep, pulse);
}

void enforcement_set_log(struct enforcement *enforcement, struct flow_log *log)
{
	enforcement->log = log;
}

/* ---- judging ------------------------------------------------------------ */

/* Who is refused with an answer has to be known to us each time. */
static int open_answers(struct enforcement *e, struct err *err)
{
	const struct enforcement_options *options = e->options;
	const struct recall_options answers = {
		.size = options->kernel_cache,
		.remember[VERDICT_ALLOW] = options->kernel_cache > 0,
		.remember[VERDICT_DENY] =
			options->kernel_cache > 0 && !options->reject,
		.n_workers = options->n_workers,
	};

	memcpy(e->remember, answers.remember, sizeof(e->remember));
	return recall_new(&answers, &e->recall, err);
}

/* Published before the queues are bound: the rules of an earlier run may bring
   packets at once. On failure @first stays the caller's. */
static int begin_judging(struct enforcement *e, struct snapshot *first,
			 const struct pod_range *watched, const int *queues,
			 struct err *err)
{
	int r;

	current_replace(first);
	e->published_us = clock_us();
	e->watched = *watched;
	r = open_answers(e, err);
	if (r == 0)
		r = enforcement_renew_unclaimed(e, err);
	if (r == 0)
		r = start_workers(e, queues, err);
	e->judging = r == 0;
	if (r < 0) {
		stop_workers(e);
		current_withdraw();
	}
	return r;
}

/* What stood by has put up everything; what was held meanwhile is judged. */
static int relieve(struct enforcement *e, struct snapshot *first,
		   struct err *err)
{
	int r = divert_add(e->divert, first, err);

	if (r < 0)
		return r;
	current_replace(first);
	e->published_us = clock_us();
	enforcement_judge_held(e);
	return 0;
}

static int judge(struct enforcement *e, struct snapshot *first,
		 const int *queues, struct err *err)
{
	struct pod_range range = enforcement_range_to_watch(e);

	return e->standing_by ? relieve(e, first, err)
			      : begin_judging(e, first, &range, queues, err);
}

int enforcement_judge(struct enforcement *enforcement, struct snapshot *first,
		      const struct pod_range *range, const int *queues,
		      struct err *err)
{
	struct snapshot *open;
	int r;

	/* Who hands over has picked up what was older than netpold, and so has
	   whoever began a pause. What a pause has let in is not to be taken for
	   that: at its end it is judged in its own direction alone. */
	enforcement->paused = !first;
	enforcement->started = !first || queues;
	enforcement->range = *range;
	if (first)
		return judge(enforcement, first, queues, err);
	r = enforcement_compile_open(&open, err);
	if (r < 0)
		return r;
	r = judge(enforcement, open, queues, err);
	if (r < 0)
		snapshot_free(open);
	return r;
}

/* ---- putting up --------------------------------------------------------- */

/* What an earlier run has left may enforce: it has to go before anybody gets
   into its sets, who would be dropped where nobody reads its queues. */
static int stop_enforcing(struct enforcement *e,
			  const struct pod_range *watched, struct err *err)
{
	return e->options->audit ? enforcement_put_rules(e, watched, err) : 0;
}

void enforcement_watch_hits(struct enforcement *e)
{
	struct err err;

	if (!e->log ||
	    !(e->remember[VERDICT_DENY] || e->remember[VERDICT_ALLOW]))
		return;
	if (hit_watch_start(e->remember, flow_log_hits(e->log), &e->hits,
			    &err) < 0)
		log_warning("flows: what the kernel answers by itself is not "
			    "told of: %s",
			    err.message);
}

static int put_up(struct enforcement *e, const struct pod_range *watched,
		  struct err *err)
{
	const struct enforcement_options *options = e->options;
	int r;

	e->rules = (struct rules_options){
		.flavour = e->flavour,
		.marks = &e->marks,
		.audit = options->audit,
		.queue_base = options->queue_base,
		.n_queues = (uint16_t)options->n_workers,
		.closed = options->fail_closed,
		.allow_node_egress = options->allow_node_egress,
	};
	memcpy(e->rules.remember, e->remember, sizeof(e->remember));
	e->touched = true;
	/* Whoever has handed over remembers nothing more by now. */
	r = recall_make_sets(e->recall, err);
	if (r == 0)
		r = divert_open(&e->divert, err);
	if (r == 0)
		r = stop_enforcing(e, watched, err);
	if (r < 0)
		return r;
	divert_watch(e->divert, watched);
	r = divert_add(e->divert, current_load(), err);
	if (r == 0)
		r = divert_know(e->divert, current_load(), err);
	if (r == 0)
		r = enforcement_put_rules(e, watched, err);
	e->watching = r == 0;
	if (r == 0) {
		recall_begin(e->recall);
		/* From now on the kernel answers by itself. */
		enforcement_watch_hits(e);
	}
	return r;
}

int enforcement_put_up(struct enforcement *enforcement,
		       struct enforcement_change *change, struct err *err)
{
	struct pod_range range = enforcement_range_to_watch(enforcement);
	int r;

	*change = (struct enforcement_change){
		.published_us = enforcement->published_us
	};
	/* Nobody else judges by now, and it is known whom. */
	flow_log_hear_ends(enforcement->log);
	if (enforcement->standing_by) {
		enforcement->standing_by = false;
		enforcement->watching = false;
		r = enforcement_watch(enforcement, err);
	} else {
		r = put_up(enforcement, &range, err);
	}
	fault_strike("taker-put-up");
	return r < 0 ? r : enforcement_settle_all(enforcement, change, err);
}

/* ---- until the first sync ----------------------------------------------- */

bool enforcement_has_to_stand_by(const struct enforcement *enforcement)
{
	return enforcement->options->on_start != ON_START_ACCEPT &&
	       !enforcement->enforced;
}

bool enforcement_stands_by(const struct enforcement *enforcement)
{
	return enforcement->standing_by;
}

int enforcement_stand_by(struct enforcement *enforcement, struct err *err)
{
	const struct pod_range *range = &enforcement->options->pod_range;
	struct snapshot *nobody;
	int r;

	r = enforcement_compile_open(&nobody, err);
	if (r < 0)
		return r;
	enforcement->standing_by = true;
	r = begin_judging(enforcement, nobody, range, NULL, err);
	if (r < 0)
		snapshot_free(nobody);
	else
		r = put_up(enforcement, range, err);
	enforcement->stood_by = r == 0;
	if (r == 0)
		return 0;
	/* Nothing stands that could stay. */
	enforcement->standing_by = false;
	return r;
}

/* ---- the end ------------------------------------------------------------ */

/* What stands in the way is not what the operator has to hear of first. */
static void take_down(struct enforcement *e)
{
	bool stays_closed = e->stood_by && e->rules.closed;

	if (stays_closed)
		log_warning("what stands until the first sync stays, and "
			    "drops what the pods of this node send and get; "
			    "`netpold clean` removes it");
	if (!e->touched || e->adopted || stays_closed)
		return;
	divert_close(e->divert);
	e->divert = NULL;
	rules_remove(e->flavour, NULL);
	divert_destroy_sets(NULL);
	recall_destroy_sets(NULL);
}

void enforcement_undo(struct enforcement *enforcement)
{
	if (!enforcement)
		return;
	stop_workers(enforcement);
	take_down(enforcement);
	if (enforcement->judging)
		current_replace(NULL);
	enforcement_release(enforcement);
}

void enforcement_stop(struct enforcement *enforcement)
{
	if (!enforcement)
		return;
	enforcement_release(enforcement);
	current_replace(NULL);
}
