/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_HANDOVER_TAKER_H
#define NETPOLD_DAEMON_HANDOVER_TAKER_H

#include <stdbool.h>

#include "netpold/err.h"

#include "handover/terms.h"
#include "handover/wire.h"

/**
 * The new netpold's part of a hand-over (giver.h).
 *
 * Until taker_relieve() nothing is touched but packets; until taker_finish()
 * the old one goes on where this one ends, and all that this one has to do for
 * it is to end.
 *
 * Threads  controller only.
 */
struct taker {
	struct wire wire;
	bool alone; /* the old one has ended on the way */
};

/** Nothing was taken over, and nothing has to be closed. */
void taker_init(struct taker *taker);

/** Whether a netpold listens at that path: it may be asked. */
bool taker_may_ask(const char *path);

/**
 * Ask for the queues.
 *
 * Returns  1: they are here; 0 where the other one has ended, or is about to,
 *          so that its lock may be had; -EINVAL where it refuses; -ETIMEDOUT
 *          where it does not answer; another negative errno; each with a
 *          message for the operator.
 */
int taker_ask(struct taker *taker, const char *path, const struct terms *terms,
	      unsigned int n_queues, struct err *err);

/* What is here then; each is taken once, and the caller's. */

int taker_status_socket(struct taker *taker);
int taker_lock(struct taker *taker);

/** As many as were asked for. */
const int *taker_queues(struct taker *taker);

/**
 * This one judges: have the old one judge no more.
 *
 * Returns  0 when it does not, or has ended; a negative errno where it goes on
 *          by itself, or does not answer.
 */
int taker_relieve(struct taker *taker, struct err *err);

/**
 * All is in force: let the old one end.
 *
 * Returns  0; -ECANCELED where it has given up waiting, and goes on.
 */
int taker_finish(struct taker *taker, struct err *err);

/** Break off, or be done. */
void taker_close(struct taker *taker);

#endif
