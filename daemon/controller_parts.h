/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_CONTROLLER_PARTS_H
#define NETPOLD_DAEMON_CONTROLLER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "burst.h"
#include "controller.h"
#include "datapath/pod_range.h"
#include "enforcement.h"
#include "flowlog/flow_log.h"
#include "guard.h"
#include "handover/place.h"
#include "intake.h"
#include "observe/observer.h"
#include "pause_switch.h"
#include "warm.h"

/**
 * What the files of the controller share, and nobody else includes: the loop,
 * the start and the end are in controller.c, a change in controller_change.c,
 * what stands in for it in controller_pause.c and controller_warm.c, and what
 * is about pods that nobody knows yet in controller_unknown.c; who was here
 * before, and who comes after, in controller_handover.c; questions about flows
 * in controller_question.c; and what a start gives up in
 * controller_privilege.c.
 *
 * Threads  controller only.
 */

/* How often to look for a folder that has gone, and to finish what failed. */
#define RETRY_MS 1000

struct controller {
	const struct controller_options *options;
	struct intake *intake; /* NULL while there is nothing to watch */
	struct enforcement *enforcement;
	struct guard *guard;
	struct flow_log *log;
	struct observer *observer;
	struct pause_switch *pauses;
	struct warm *warm;
	/* What the last run read, while the manifests cannot be: in force in
	   place of what they say. No cluster: that is. */
	struct warm_state standing;
	/* In a pause: what will be in force when it is over, for questions
	   about flows; NULL: nobody has compiled it. */
	struct snapshot *later;
	struct err stuck;	   /* why a pause does not end */
	int64_t resume_due_us;	   /* the end of a pause is not tried before */
	uint64_t generation;	   /* counts the changes put in force, from 1 */
	struct intake_result read; /* last; it need not be in force */
	struct snapshot_counts published; /* of what new flows obey */
	/* Changes in force since one was logged, told as one. */
	struct {
		int64_t told_us;		 /* when that was; steady */
		size_t n;			 /* since then */
		size_t n_isolated[N_DIRECTIONS]; /* after the last of them */
		size_t n_revoked;		 /* by all of them */
		int64_t took_us;		 /* the longest */
	} untold;
	/* The same of what was taken up in a pause. */
	struct {
		int64_t told_us;
		size_t n;
	} taken_up;
	int64_t source_due_us; /* when the observer is told of the source */
	int64_t trim_due_us;   /* … and memory is given back */
	bool refused;	       /* what the manifests say now is not in force */
	bool retry;	       /* … for a reason that may pass by itself */
	int64_t retry_due_us;
	struct err told;	  /* why, so that it is said once */
	int64_t waiting_since_us; /* for a writer; 0: not, or warned of */
	bool unsettled; /* open connections do not obey the snapshot yet */
	bool stale_addresses;	     /* this host's have changed */
	bool stale_range;	     /* that of its pods has */
	struct pod_range node_range; /* as the Node object said last */
	struct burst unknown;	     /* packets of unknown pods, dropped */
	struct place place;
	bool replaced; /* another netpold has taken over */
	int late;      /* one that was too late, until it ends; -1: none */
	int64_t recall_due_us;
	int signals;
	int addresses; /* local_watch_open() */
};

/* ---- a start ------------------------------------------------------------- */

/**
 * Have what iptables-legacy needs loaded into the kernel, unless it is known
 * not to be used: it would do so by itself, but the helper may not. Whoever may
 * not, or has it there, fails in vain.
 *
 * Threads  before threads start, and before the helper.
 */
void controller_load_tables(const struct controller_options *options);

/**
 * Give up what is not needed, once the helper is forked, who runs iptables: no
 * thread and no program that is started later has more than what is left.
 *
 * @helper  that one
 *
 * Returns  0; a negative errno, and nothing is to be started.
 */
int controller_give_up(const struct controller_options *options, pid_t helper,
		       struct err *err);

/* ---- a change ------------------------------------------------------------ */

/** A change is in force. @since_us: when it was noticed; steady */
void controller_report_in_force(struct controller *c,
				const struct enforcement_change *change,
				int64_t since_us);

/** Log what was held back of that, where it is time. */
void controller_tell(struct controller *c);

/** How long there is nothing to tell: @ms at most. */
int controller_tell_ms(const struct controller *c, int ms);

/** What the manifests say is not in force, and why. */
void controller_report_refused(struct controller *c, const struct err *err);

/**
 * c->read was published.
 *
 * @r, @err  as enforcement_apply() returned them: open connections may not obey
 *           yet
 */
void controller_conclude(struct controller *c, int r,
			 const struct enforcement_change *change,
			 int64_t since_us, const struct err *err);

/** What the intake holds was compiled into c->read: tell of it, and of the
 *  policies that it changes once it is in force. */
void controller_compiled(struct controller *c);

/** Read manifests into c->read. Returns as intake_read(). */
int controller_read(struct controller *c, bool everything, struct err *err);

/** Read what has changed, or everything, and put it in force. */
void controller_reload(struct controller *c, bool everything, int64_t since_us);

/** Open connections do not obey yet: once more. */
void controller_finish(struct controller *c);

/* ---- another netpold ----------------------------------------------------- */

/**
 * At a start: put c->read in force, or begin in a pause; in place of the
 * netpold that runs here, if there is one.
 *
 * Returns  0 or a negative errno with a message; c->read.snapshot is gone.
 */
int controller_put_in_force(struct controller *c, const struct pod_range *range,
			    struct enforcement_change *change, struct err *err);

/** Somebody asks to take over. True where that has come about. */
bool controller_hand_over(struct controller *c);

/** Who was too late has something to say, or has ended. */
void controller_see_off(struct controller *c);

/** Close a descriptor; -1 is fine, and what it is then. */
void controller_close(int *fd);

/* ---- a cluster ----------------------------------------------------------- */

/** Whether objects come from an API server. */
bool controller_is_live(const struct controller *c);

/**
 * Wait until an API server has said everything once, or until @until_us, and
 * compile it into c->read.
 *
 * Returns  1; -EINPROGRESS where it has not by then; -EINTR when told to stop;
 *          another negative errno; with a message.
 */
int controller_await_cluster(struct controller *c, int64_t until_us,
			     struct err *err);

/** The loop turns: now and then, tell the observer of the source. */
void controller_tick(struct controller *c);

/** Tell the observer which policies are not in force as the API server has
 *  them: before a change is, and after all that was to be done. */
void controller_tell_of_unreadable(struct controller *c);

/* True when there is a signal that ends the program. SIGHUP reads everything
   again. */
bool controller_take_signal(struct controller *c, bool *hangup);

/* ---- a pause ------------------------------------------------------------- */

/** Begin and end it, as it was asked for and when it is time. */
void controller_serve_pause(struct controller *c);

/** What will be in force when it is over is this one; NULL: it has to be
 *  compiled. Owns @later. */
void controller_set_later(struct controller *c, struct snapshot *later);

/** Something is still diverted: once more. */
void controller_finish_pause(struct controller *c);

/** How long it has nothing to do: RETRY_MS at most. */
int controller_pause_ms(const struct controller *c);

/* ---- a question ---------------------------------------------------------- */

/** Somebody asks about a flow. */
void controller_answer_question(struct controller *c);

/* ---- unknown pods ---------------------------------------------------------
 */

/** Where this node's pods have their addresses: as told, or as the Node object
 *  says. Where it does not say any more, it is as it was. */
struct pod_range controller_pod_range(struct controller *c);

/** The same, where it has to be known. 0 or a negative errno with a message. */
int controller_check_range(const struct controller *c,
			   const struct pod_range *range, struct err *err);

/** The Node object may say something else by now. */
void controller_follow_range(struct controller *c);

/** What stands until something is in force, where --on-start says so. 0 or a
 *  negative errno with a message. */
int controller_stand_by(struct controller *c, struct err *err);

/** Tell, once, when packets of pods that nobody knows are dropped. */
void controller_tell_of_unknown(struct controller *c);

/* ---- without manifests --------------------------------------------------- */

/** Begin to watch the manifests, or the API server. 0 or a negative errno with
 * a message. */
int controller_open_intake(struct controller *c, struct err *err);

/** Keep the warm file: open what does. After controller_open_intake() where
 *  objects come from an API server. 0 or a negative errno with a message. */
int controller_open_warm(struct controller *c, struct err *err);

/**
 * At a start, where manifests cannot be read: fill c->read with what they said
 * to the last run.
 *
 * @why  they cannot be
 *
 * Returns  1, or a negative errno where nobody knows: @why stays.
 */
int controller_read_warm(struct controller *c, const struct err *why);

/** The same, later on, into c->read. 0 or a negative errno with a message. */
int controller_compile_warm(struct controller *c, struct err *err);

/** The manifests can be read: what stood in for them has done. */
void controller_leave_warm(struct controller *c);

/** Keep what the manifests say for a later start. */
void controller_keep_warm(struct controller *c);

#endif
