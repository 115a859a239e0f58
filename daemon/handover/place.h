/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_HANDOVER_PLACE_H
#define NETPOLD_DAEMON_HANDOVER_PLACE_H

#include <stdbool.h>

#include "netpold/err.h"

#include "handover/taker.h"
#include "handover/terms.h"

/**
 * The one place that there is for a netpold in a network namespace: empty, or
 * to be had from the netpold that holds it.
 *
 * Threads  controller only.
 */
struct place {
	const char *status_socket; /* where who holds it may be asked */
	int lock;		   /* instance_lock(); -1: not ours yet */
	bool taken;		   /* somebody holds it, and is to be asked */
	bool heir;		   /* he has handed over */
	struct taker taker;
};

/** Nothing to be closed yet. */
void place_init(struct place *place, const char *status_socket);

/**
 * Take it where it is empty, or see that somebody may be asked for it.
 *
 * Returns  0; -EADDRINUSE where somebody holds it who cannot be asked; another
 *          negative errno; each with a message for the operator.
 */
int place_find(struct place *place, struct err *err);

/**
 * Ask for it, where it is taken (taker_ask()). Where who held it has ended
 * meanwhile, there is nothing to take over but the place.
 */
int place_ask(struct place *place, const struct terms *terms,
	      unsigned int n_queues, struct err *err);

void place_close(struct place *place);

#endif
