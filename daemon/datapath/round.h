/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_ROUND_H
#define NETPOLD_DAEMON_DATAPATH_ROUND_H

#include <stdint.h>

#include "datapath/worker_parts.h"

/**
 * One round of a worker: a batch of packets from arrival to verdict, and those
 * that are held.
 *
 * Returns  0 where there was nothing to do.
 * Threads  owning worker only.
 */
int round_run(struct worker *worker);

/** Add to one of a worker's counters. Threads: its own. */
void round_count(struct worker *worker, enum counter counter, uint64_t n);

#endif
