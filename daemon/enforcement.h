/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_ENFORCEMENT_H
#define NETPOLD_DAEMON_ENFORCEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/compiler.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "datapath/iptables.h"
#include "datapath/pod_range.h"
#include "datapath/recall.h"
#include "datapath/worker.h"
#include "pulse.h"

struct flow_log;
struct guard;
struct rules_options;

/**
 * One node's enforcement: queues, rules, sets and connections, kept in line
 * with one snapshot after the other.
 *
 * Threads  controller only.
 */
struct enforcement;

/** What passes between the start and the first sync, where nothing is left of
 *  an earlier run that would say so. */
enum on_start {
	ON_START_ACCEPT = 0, /* nothing is diverted */
	ON_START_HOLD,	     /* packets of the pod range are held */
	ON_START_DROP,	     /* they are dropped */
};

struct enforcement_options {
	uint16_t queue_base;
	unsigned int n_workers;
	unsigned int poll_us; /* see struct worker_options */
	bool reject;	      /* so is this */
	/* Nothing is enforced: packets are copied and judged, and go on, come
	   what may. One worker, no kernel cache, and none of what is said here
	   about failures, overload, unknown pods and starts. */
	bool audit;
	/* What is to be judged, and cannot be: dropped, not let through, while
	   netpold does not run; let through, not dropped, while a queue is
	   full. */
	bool fail_closed;
	bool accept_overload;
	uint32_t mark_mask;
	enum iptables_flavour flavour; /* IPTABLES_AUTO: find out */
	bool allow_node_egress; /* pods may talk to their own node (NP-57) */
	/* Answers that the kernel remembers, in each set; 0: none. */
	uint32_t kernel_cache;
	/* How long packets of addresses in the pod range that no pod claims are
	   held (NP-67); 0: such addresses are no pod's. */
	uint32_t hold_ms;
	enum on_start on_start;
	struct pod_range pod_range; /* of no blocks: as the Node object says */
	bool tell_policies;	    /* see struct worker_options */
};

/** How many connections a change makes look at. */
enum sweep_extent {
	SWEEP_NONE,	 /* the change denies nothing */
	SWEEP_ADDRESSES, /* those of the addresses that it concerns */
	SWEEP_ALL,
};
#define N_SWEEP_EXTENTS 3

/** What one change came to. Times are of the steady clock (clock_us()). */
struct enforcement_change {
	int64_t published_us; /* new flows obey it */
	int64_t in_force_us;  /* so does everything */
	int64_t program_us;   /* how long it took to tell the kernel's sets */
	enum sweep_extent extent;
	size_t n_isolated[N_DIRECTIONS]; /* addresses diverted now */
	size_t n_revoked;		 /* connections that lost their mark */
	size_t n_picked_up; /* connections older than netpold, let through */
};

/* A start has three steps; each returns 0, or a negative errno with a message
   for the operator. Where one fails enforcement_undo() is to come. */

/**
 * The first: see what there is to work with, and what an earlier run has left.
 * Nothing is touched.
 *
 * @options  have to outlive it
 */
int enforcement_open(const struct enforcement_options *options,
		     struct enforcement **out, struct err *err);

/** Beat, from here on, between the steps of what may take long, and within a
 *  sweep. */
void enforcement_set_pulse(struct enforcement *enforcement,
			   const struct pulse *pulse);

/** Where workers write down what they judge; NULL: nowhere. Before they start;
 *  when the last of them has ended it is stopped (flow_log_stop()). */
void enforcement_set_log(struct enforcement *enforcement, struct flow_log *log);

/** Whether something has to stand until the first sync: --on-start says so, and
 *  an earlier run has left nothing that enforces. */
bool enforcement_has_to_stand_by(const struct enforcement *enforcement);

/**
 * Until the first sync, hold or drop what comes from the pod range or goes
 * there, as --on-start says. What the node itself opens to its pods passes.
 */
int enforcement_stand_by(struct enforcement *enforcement, struct err *err);

/** Whether it does. */
bool enforcement_stands_by(const struct enforcement *enforcement);

/** Whether this snapshot's pods can be enforced upon, before it is asked for.
 */
int enforcement_check(const struct snapshot *first, struct err *err);

/**
 * The second: judge what comes by the first snapshot.
 *
 * @first   NULL: begin in a pause (enforcement_pause())
 * @range   where this node's pods have their addresses, as far as that is known
 * @queues  as many descriptors as there are workers, of the queues of a netpold
 *          that hands over; NULL: bind them
 *
 * Owns     @first on success; all of @queues, whatever it returns.
 */
int enforcement_judge(struct enforcement *enforcement, struct snapshot *first,
		      const struct pod_range *range, const int *queues,
		      struct err *err);

/**
 * The third: put up rules and sets, reusing what an earlier run has left in the
 * kernel, until everything obeys the first snapshot.
 */
int enforcement_put_up(struct enforcement *enforcement,
		       struct enforcement_change *change, struct err *err);

/**
 * Give up a start. Nothing is left in the kernel that was not there; rules that
 * stood stay. So does what stands by, where a failure is to leave nothing open
 * (--on-failure=closed).
 *
 * Threads  before anything is in force. NULL is fine.
 */
void enforcement_undo(struct enforcement *enforcement);

/** The pod range is this one from now on. 0 or a negative errno. */
int enforcement_follow_range(struct enforcement *enforcement,
			     const struct pod_range *range, struct err *err);

/**
 * Put the next snapshot in force: when this returns 0, every packet and every
 * open connection obeys it.
 *
 * @update  what the compiler said of it: how it differs from the snapshot that
 *          was compiled before, whether or not that one ever was in force
 *
 * Owns     @next, if *@published is set to true; otherwise it stays the
 *          caller's, and the snapshot before it stays in force.
 * Returns  0; a negative errno. After a failure with *@published set, new
 *          flows obey @next; enforcement_settle() has to be called until the
 *          open connections do too.
 */
int enforcement_apply(struct enforcement *enforcement, struct snapshot *next,
		      const struct update *update, bool *published,
		      struct enforcement_change *change, struct err *err);

/** Finish what a failed change left over. */
int enforcement_settle(struct enforcement *enforcement,
		       struct enforcement_change *change, struct err *err);

/**
 * Begin a pause: nothing is diverted, so that nothing is dropped, and what
 * waits in a queue passes. Rules stay as they are. enforcement_apply() ends it;
 * all marks are judged anew then, whatever its @update says.
 *
 * What the kernel drops all the same is what comes in from elsewhere under this
 * host's own address and is meant for a Service (NF-70): let through, it would
 * be taken for the host's own for as long as it lasts.
 *
 * Returns  0, also where there is a pause already; a negative errno with a
 *          message: either there is none (enforcement_is_paused()), or some is
 *          still diverted, and passes; it has to be called again in any case.
 */
int enforcement_pause(struct enforcement *enforcement, struct err *err);

/** Whether there is a pause. */
bool enforcement_is_paused(const struct enforcement *enforcement);

/** Addresses of this host have come or gone: they are never diverted. */
int enforcement_follow_addresses(struct enforcement *enforcement,
				 struct err *err);

/** Put right what somebody else has done to the sets, and say how many members
 *  were missing or too many. 0 or a negative errno. */
int enforcement_mend_sets(struct enforcement *enforcement, size_t *n_moved,
			  struct err *err);

/** The helper has put up the rules of a family again (guard.h). */
void enforcement_rules_mended(struct enforcement *enforcement,
			      enum ip_family family);

/** A descriptor that is readable when enforcement_work() has something to do
 *  soon; -1: never. */
int enforcement_fd(const struct enforcement *enforcement);

/** Keep up with what the kernel remembers: to be called at least every second.
 */
void enforcement_work(struct enforcement *enforcement);

/** What the kernel remembers. */
struct recall_counts enforcement_answers(const struct enforcement *enforcement);

/** What the rules were made of, and can be made of again. */
const struct rules_options *
enforcement_rules(const struct enforcement *enforcement);

/* For another netpold that takes the queues over. */

/**
 * Judge nothing more: the other one does.
 *
 * Returns  0; -EBUSY where a worker stands still, so that it cannot be said;
 *          enforcement_go_on() has to follow then.
 */
int enforcement_rest(struct enforcement *enforcement, int patience_ms,
		     struct err *err);

/** It has not become of it: judge again. All that the other one may have
 *  touched is put right by enforcement_settle(), which has to be called. */
void enforcement_go_on(struct enforcement *enforcement);

/** The other one reads no packet any more: judge what it has left behind. */
void enforcement_reclaim(struct enforcement *enforcement);

/** The descriptor of one worker's queue. */
int enforcement_queue_fd(const struct enforcement *enforcement,
			 unsigned int worker);

/** The flavour of iptables in use. */
enum iptables_flavour
enforcement_flavour(const struct enforcement *enforcement);

/** From now on @guard keeps the rules, and is told before they are changed. */
void enforcement_guard(struct enforcement *enforcement, struct guard *guard);

/** As many as there are queues; for reading what they count. */
const struct worker *const *
enforcement_workers(const struct enforcement *enforcement);

/** What all workers have done. */
struct worker_counters
enforcement_counters(const struct enforcement *enforcement);

/** Stop judging. Rules, sets and marks stay (NF-69). NULL is fine. */
void enforcement_stop(struct enforcement *enforcement);

#endif
