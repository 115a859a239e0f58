/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_REPAIR_H
#define NETPOLD_DAEMON_DATAPATH_REPAIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "netpold/addr.h"
#include "netpold/err.h"

#include "datapath/rules.h"

/**
 * A process that keeps netpold's rules as they were put up (NF-71).
 *
 * Whoever flushes the mangle table, restores an old copy of it or puts a rule
 * before ours, opens a hole that nothing in the kernel tells of. Every two
 * seconds the helper lists the rules, and where they are not what they were it
 * puts them up again, in one transaction. It runs iptables, for itself and for
 * the daemon, which may not (runner.h), and does nothing else: it has no file
 * of the daemon's, and of all privileges CAP_NET_ADMIN and CAP_NET_RAW. It ends
 * when the daemon does, however that ends, when the round that it is at is
 * over. Where it is the helper that ends, or hangs, the daemon can neither keep
 * its rules nor change them, and may not start another one: it has to end, too.
 *
 * Threads  one. The helper is to be started before there is a second one.
 */
struct repair;

/** What the helper has done, or has failed to do. */
struct repair_event {
	enum ip_family family;
	bool mended;	/* else the message says why not; it goes on trying */
	struct err err; /* empty where it is mended */
	bool rests;	/* nothing of the above: it watches no more */
};

/** From here on iptables is run by the helper. Returns 0, or a negative errno.
 */
int repair_start(struct repair **out, struct err *err);

/**
 * Keep what stands now, or put it up where it is not whole any more. Where the
 * helper is gone nothing happens, but repair_read() tells.
 *
 * @options  how it can be put up again; their marks are copied
 * @lock     instance_lock(): the helper keeps it, too, so that nobody starts
 *           while one is still at work
 */
void repair_watch(struct repair *repair, const struct rules_options *options,
		  int lock);

/** Touch no rule until the next repair_watch(). When the helper is done with
 *  what it is at, it tells so. */
void repair_rest(struct repair *repair);

/** A descriptor that is readable when the helper has something to tell. */
int repair_fd(const struct repair *repair);

/** 1 with an event, 0 where there is none; -EPIPE where the helper has ended,
 *  or does not answer (runner.h), with a message that says how, once: it is
 * gone then, and there is nothing to wait for. */
int repair_read(struct repair *repair, struct repair_event *event,
		struct err *err);

/** It has not answered repair_rest() for RUNNER_PATIENCE_S: it is ended. -EPIPE
 *  with a message, once. */
int repair_hangs(struct repair *repair, struct err *err);

/** The helper, for who is to let us end it (confine.h). */
pid_t repair_pid(const struct repair *repair);

/** End the helper, by force where it takes it longer than it may wait for the
 *  lock of iptables; NULL is fine. */
void repair_stop(struct repair *repair);

#endif
