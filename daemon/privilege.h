/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PRIVILEGE_H
#define NETPOLD_DAEMON_PRIVILEGE_H

#include "netpold/err.h"

/**
 * Whether this process may change the network of its namespace: CAP_NET_ADMIN
 * for all of it, and CAP_NET_RAW, without which iptables cannot ask the kernel
 * about the sets that rules name, and takes the match for missing.
 *
 * @command  for the message: "run"
 *
 * Returns  0; -EPERM without one of them, with a message that names what is
 *          missing and says what to do.
 */
int privilege_check(const char *command, struct err *err);

#endif
