/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_RUNNER_H
#define NETPOLD_DAEMON_DATAPATH_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "datapath/errand.h"
#include "process.h"

/**
 * Who runs iptables: another process, or this one.
 *
 * `netpold run` reads what tenants and networks send, and so must not be able
 * to start a program. Its helper (datapath/repair.h), which reads nothing of
 * the kind, does that for it: errands go over a socket, one at a time. In all
 * other commands there is no helper, and errands are run on the spot.
 */

/**
 * Seconds until a helper that does not answer counts as hung. It may be at a
 * round of its own when it is asked, which waits for the lock of iptables up to
 * ERRAND_LOCK_WAIT in each family, and then waits as long for what it is asked:
 * 30 in all. Less than HEALTH_PATIENCE_S: we end by ourselves, and say why.
 */
#define RUNNER_PATIENCE_S 45

/** The same in microseconds; tests are less patient (fault.h). */
int64_t runner_patience_us(void);

/** How it is about the helper, as those see it who ask. */
enum runner_state {
	RUNNER_LOST = 0, /* it has ended, or is told to */
	RUNNER_HUNG,	 /* it has not answered in time, and is asked no more */
	RUNNER_WORKS,	 /* or there is none, and nobody needs one */
};

/**
 * Have errands done by who reads the other end of @fd, a stream.
 *
 * Owns     @fd, from now on.
 * Threads  before threads start.
 */
void runner_hire(int fd);

/** The helper is told to end; from here on no errand is done. */
void runner_dismiss(void);

/**
 * Have an errand done, here or there.
 *
 * Returns  as errand_run(); -EPIPE where the helper has ended, or has not
 *          answered within RUNNER_PATIENCE_S, now or before.
 * Threads  any; they wait for each other.
 */
int runner_run(const struct errand *errand, const char *text,
	       struct process_result *result, struct err *err);

/** Does not wait for who asks. Threads: any. */
enum runner_state runner_state(void);

/**
 * In the helper: do the errand that waits at @fd.
 *
 * Returns  false when nobody asks any more.
 */
bool runner_serve(int fd);

#endif
