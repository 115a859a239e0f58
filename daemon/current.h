/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_CURRENT_H
#define NETPOLD_DAEMON_CURRENT_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/snapshot.h"

/**
 * The snapshot in force: the one place where the control path and the packet
 * path meet.
 */

/**
 * The current snapshot, or NULL before the first.
 *
 * Threads  any, inside a read-side section; the pointer is good until its end.
 */
const struct snapshot *current_load(void);

/**
 * How often what is in force has been replaced: whoever remembers the number,
 * read before current_load(), knows whether what he has is old. The snapshots'
 * own (snapshot_number()) do not tell: those of two compilers, or of none, may
 * be the same.
 *
 * Returns  0 before the first.
 * Threads  any.
 */
uint64_t current_number(void);

/**
 * Put @next in its place, wait until no worker uses the old one any more and
 * every verdict from it is sent, and free it. @next may be NULL.
 *
 * Owns     @next, from here on.
 * Threads  controller only, outside of any read-side section.
 */
void current_replace(struct snapshot *next);

/**
 * Wait until every verdict that a worker is giving now is sent.
 *
 * Returns  true; false where a fault was asked for, and nobody has waited.
 * Threads  controller only, outside of any read-side section.
 */
bool current_wait_out(void);

/**
 * Take the snapshot back without freeing it: a start that failed after the
 * publication. No worker may run any more.
 *
 * Threads  controller only.
 */
void current_withdraw(void);

#endif
