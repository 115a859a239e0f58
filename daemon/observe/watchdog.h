/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WATCHDOG_H
#define NETPOLD_DAEMON_OBSERVE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * The watchdog notices a worker that stands still while packets wait in its
 * queue, or copies of them in its log group (stall.h), within some three
 * seconds. It says so in the log, on the
 * status board, and by metrics; and it says when the worker moves again.
 *
 * It does nothing about it: whatever it did to the worker, its queue would take
 * packets that nobody judges, and who ends the process loses all queues for
 * one. Whoever asks whether netpold lives hears of it after HEALTH_PATIENCE_S
 * (health.h), when a new start is all that is left.
 *
 * It has a thread of its own. The controller is not the one to look: a change
 * waits for the end of every worker's read-side section, so it stands still
 * with the worker.
 */
struct watchdog;
struct metrics;
struct status_board;
struct worker;

struct watchdog_options {
	const struct worker *const *workers; /* outlive the watchdog */
	unsigned int n_workers;		     /* one for each queue */
	uint16_t queue_base;
	bool audits;		    /* these are log groups, not queues */
	struct status_board *board; /* outlives it, too */
};

/**
 * Begin to watch. Signals that no thread is to take are blocked by then.
 *
 * Returns  0; a negative errno with a message.
 */
int watchdog_start(const struct watchdog_options *options,
		   struct watchdog **out, struct err *err);

/** Watch no more, after the last reading of its metrics. NULL is fine. */
void watchdog_stop(struct watchdog *watchdog);

/** Register its metrics. 0; -ENOMEM, where some may be registered. */
int watchdog_register(const struct watchdog *watchdog, struct metrics *metrics);

#endif
