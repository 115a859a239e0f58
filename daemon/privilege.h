/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PRIVILEGE_H
#define NETPOLD_DAEMON_PRIVILEGE_H

#include <stdbool.h>

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

/** What is needed beside CAP_NET_ADMIN. */
struct privilege_needs {
	bool raw;	 /* CAP_NET_RAW: iptables; raw sockets */
	bool reads_any;	 /* CAP_DAC_READ_SEARCH: files of other users */
	bool writes_any; /* CAP_DAC_OVERRIDE: in folders of other users */
	bool binds_low;	 /* CAP_NET_BIND_SERVICE: a port below 1024 */
};

/**
 * Keep CAP_NET_ADMIN and what is needed, as far as it is there, and nothing
 * else, for good: programs that this process starts cannot get more either
 * (PR_SET_NO_NEW_PRIVS, and the bounding set where that may still be changed).
 *
 * Returns  0; a negative errno with a message, and the process is not to go on.
 * Threads  before threads start: capabilities are a thread's, and pass to those
 *          that it starts.
 */
int privilege_limit(const struct privilege_needs *needs, struct err *err);

/**
 * Whether the user that this process runs as owns what is at this path, where
 * there is something, and the next folder above it that is there: it is written
 * without CAP_DAC_OVERRIDE.
 */
bool privilege_owns(const char *path);

#endif
