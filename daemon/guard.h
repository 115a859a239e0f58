/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_GUARD_H
#define NETPOLD_DAEMON_GUARD_H

#include <stdint.h>
#include <sys/types.h>

#include "netpold/err.h"

#include "enforcement.h"

/**
 * Keeps what netpold has put into the kernel as it was put there: rules through
 * a helper process (datapath/repair.h), members of sets itself. Whatever
 * somebody else has done is back within five seconds, logged and counted
 * (NF-71, L14).
 *
 * Threads  controller only.
 */
struct guard;

struct guard_counters {
	uint64_t rules;	  /* how often the rules of a family were put back */
	uint64_t members; /* of sets, put back or taken out */
};

/** Before any other thread is started. 0 or a negative errno. */
int guard_start(struct guard **out, struct err *err);

/** What stands now has to stand. @lock: instance_lock(). */
void guard_watch(struct guard *guard, const struct enforcement *enforcement,
		 int lock);

/**
 * Touch nothing until the next guard_watch(): what stands is about to be
 * another netpold's.
 *
 * Returns  0 when nothing is touched any more; -ETIMEDOUT.
 */
int guard_rest(struct guard *guard, int patience_ms, struct err *err);

/** The rules are about to be changed: nobody undoes it. The next guard_work()
 * ends that. */
void guard_let_change(struct guard *guard);

/** Readable when there is something to do; -1: never. */
int guard_fd(const struct guard *guard);

/** Do what is to be done by now: to be called at least every second. */
void guard_work(struct guard *guard, struct enforcement *enforcement);

/**
 * Whether the rules are still looked after, as guard_work() has found.
 *
 * Returns  0; -EPIPE where the helper is gone, with a message that says how,
 *          and what comes of it: netpold is to end, and to be started again.
 */
int guard_check(const struct guard *guard, struct err *err);

/** The helper's process. */
pid_t guard_helper(const struct guard *guard);

struct guard_counters guard_counters(const struct guard *guard);

/** NULL is fine. */
void guard_stop(struct guard *guard);

#endif
