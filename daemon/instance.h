/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_INSTANCE_H
#define NETPOLD_DAEMON_INSTANCE_H

#include "netpold/err.h"

/**
 * One netpold for each network namespace: two would move members of the same
 * sets, and a clean-up under a running one would leave it believing that it
 * enforces.
 *
 * The lock is the name of an abstract socket, which belongs to the network
 * namespace and goes with the process that holds it.
 *
 * One that has just been killed is given a second to be gone altogether.
 *
 * Returns  a descriptor to keep open; -EADDRINUSE where another netpold runs
 *          here, with a message.
 */
int instance_lock(struct err *err);

/** The same without waiting, and without a message. */
int instance_try_lock(void);

#endif
