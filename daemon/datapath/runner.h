/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_RUNNER_H
#define NETPOLD_DAEMON_DATAPATH_RUNNER_H

#include <stdbool.h>

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
 * Returns  as errand_run(); -EPIPE where the helper has ended.
 * Threads  any; they wait for each other.
 */
int runner_run(const struct errand *errand, const char *text,
	       struct process_result *result, struct err *err);

/**
 * In the helper: do the errand that waits at @fd.
 *
 * Returns  false when nobody asks any more.
 */
bool runner_serve(int fd);

#endif
