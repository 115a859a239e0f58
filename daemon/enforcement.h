/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_ENFORCEMENT_H
#define NETPOLD_DAEMON_ENFORCEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/compiler.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "datapath/recall.h"
#include "datapath/iptables.h"
#include "datapath/worker.h"

struct rules_options;

/**
 * One node's enforcement: queues, rules, sets and connections, kept in line
 * with one snapshot after the other.
 *
 * Threads  controller only.
 */
struct enforcement;

struct enforcement_options {
	uint16_t queue_base;
	unsigned int n_workers;
	unsigned int poll_us; /* see struct worker_options */
	bool reject;	      /* so is this */
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
};

/** How many connections a change makes look at. */
enum sweep_extent {
	SWEEP_NONE,	 /* the change denies nothing */
	SWEEP_ADDRESSES, /* those of the addresses that it concerns */
	SWEEP_ALL,
};

/** What one change came to. Times are of the steady clock (clock_us()). */
struct enforcement_change {
	int64_t published_us; /* new flows obey it */
	int64_t in_force_us;  /* so does everything */
	enum sweep_extent extent;
	size_t n_isolated[N_DIRECTIONS]; /* addresses diverted now */
	size_t n_revoked;		 /* connections that lost their mark */
	size_t n_picked_up; /* connections older than netpold, let through */
};

/**
 * Put the first snapshot in force, reusing what an earlier run has left in the
 * kernel.
 *
 * @first  NULL: begin in a pause (enforcement_pause())
 *
 * Owns     @first on success; on failure it stays the caller's. Nothing is left
 *          in the kernel that was not there; rules that stood stay.
 * Returns  0, or a negative errno with a message for the operator.
 */
int enforcement_start(const struct enforcement_options *options,
		      struct snapshot *first, struct enforcement **out,
		      struct enforcement_change *change, struct err *err);

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

/** The flavour of iptables in use. */
enum iptables_flavour
enforcement_flavour(const struct enforcement *enforcement);

/** As many as there are queues; for reading what they count. */
const struct worker *const *
enforcement_workers(const struct enforcement *enforcement);

/** What all workers have done. */
struct worker_counters
enforcement_counters(const struct enforcement *enforcement);

/** Stop judging. Rules, sets and marks stay (NF-69). NULL is fine. */
void enforcement_stop(struct enforcement *enforcement);

#endif
