/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_HANDOVER_GIVER_H
#define NETPOLD_DAEMON_HANDOVER_GIVER_H

#include "netpold/err.h"

struct enforcement;
struct guard;

/**
 * The old netpold's part of a hand-over.
 *
 * It sends descriptors of what it has, and keeps its own, so that nothing of it
 * is gone for as long as one of the two lives: queues, lock, status socket.
 * Both judge for a moment; then the old one answers what it holds, without a
 * mark, and rests. It leaves when the new one has everything in force, and not
 * before: until then whatever happens to the new one makes it go on.
 *
 * Threads  controller only.
 */
struct giver {
	struct guard *guard;
	struct enforcement *enforcement;
	unsigned int n_queues;
	int lock;	   /* instance_lock() */
	int status_socket; /* -1: none */
};

/** Tell who has asked why not. @conversation: owned */
void giver_refuse(int conversation, const char *why);

/* But for the last of these, guard_watch() has to be called again. */
enum giver_end {
	GIVER_KEEPS = 0, /* nothing was touched */
	GIVER_GOES_ON,	 /* enforcement_settle() is to put right what was */
	GIVER_LEAVES,	 /* the other one has it all */
};

/**
 * Hand over to who has asked, and has been told that it may.
 *
 * @conversation  owned from here on
 * @late          where this one goes on and the other one still runs, a
 *                descriptor for the caller that is readable when that has
 *                ended: what it has judged until then, it has judged behind the
 *                back of this one. Else -1.
 * @err           why not
 */
enum giver_end giver_hand_over(const struct giver *giver, int conversation,
			       int *late, struct err *err);

#endif
