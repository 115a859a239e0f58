/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PID_NAMESPACE_H
#define NETPOLD_DAEMON_PID_NAMESPACE_H

#include <stdint.h>

/**
 * The kernel's number of the PID namespace that this process is in: that of its
 * container, where it has one of its own, as containers of pods do without
 * hostPID.
 *
 * Two processes that give the same number are of the same container, or of
 * none.
 *
 * Returns  0 where it cannot be read. Threads: any.
 */
uint64_t pid_namespace_number(void);

#endif
