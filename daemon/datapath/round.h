/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_ROUND_H
#define NETPOLD_DAEMON_DATAPATH_ROUND_H

struct worker;

/**
 * One round of a worker: a batch of packets from arrival to verdict, and those
 * that are held.
 *
 * Returns  0 where there was nothing to do.
 * Threads  owning worker only.
 */
int round_run(struct worker *worker);

#endif
