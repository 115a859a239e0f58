/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PRIVILEGE_H
#define NETPOLD_DAEMON_PRIVILEGE_H

#include "netpold/err.h"

/**
 * Whether this process may change the network of its namespace.
 *
 * @command  for the message: "run"
 *
 * Returns  0; -EPERM without CAP_NET_ADMIN, with a message that says what to
 *          do.
 */
int privilege_check(const char *command, struct err *err);

#endif
