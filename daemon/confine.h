/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_CONFINE_H
#define NETPOLD_DAEMON_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "netpold/err.h"

/**
 * Which system calls are left to whom (seccomp(2)).
 *
 * Packets, answers of the API server and requests for metrics come from others,
 * and are read by a program in C. Whoever finds a mistake in it is to find
 * little to do with that: no program to start, no process to make or to look
 * into, and in a worker no file and no new socket either. The calls of each are
 * listed in confine_calls.c.
 *
 * A filter is for good, and passes to threads and programs started later. What
 * is refused fails, and nobody is killed for it: a call that we have forgotten
 * costs what it was for, and not the node its netpold. A call that is known
 * here fails with EPERM; one that is not, perhaps of a C library that is
 * younger than this list, with ENOSYS, since libraries do without what a kernel
 * does not have. The kernel logs both where it keeps an audit log (type=1326).
 *
 * All threads share their memory: what a thread may not do, whoever takes it
 * over may try to have another one do. What none of them may is what holds.
 */

/** A kind of thread, or of process. Each may do what those before it may. */
enum confine_role {
	CONFINE_WORKER = 0, /* reads packets, answers them */
	CONFINE_READER,	    /* opens files and sockets, writes no file */
	CONFINE_PROCESS,    /* starts threads, writes files */
};

/**
 * Say whether the functions below do anything.
 *
 * @on  --seccomp
 *
 * In a build with sanitizers they never do: these need other calls than we.
 *
 * Returns  0; -EOPNOTSUPP where this kernel has no filters.
 * Threads  before threads start.
 */
int confine_init(bool on, struct err *err);

/**
 * This process and all that it will start.
 *
 * @helper  a process that it may kill
 *
 * Returns  0, or a negative errno with a message.
 * Threads  before threads start.
 */
int confine_process(pid_t helper, struct err *err);

/**
 * The helper that runs iptables, and the iptables of this system with whatever
 * it calls: all but what can change the kernel or other processes.
 *
 * Returns, Threads  as above.
 */
int confine_helper(struct err *err);

/**
 * The calling thread, as it begins; what fails is logged, and what the process
 * may not do it may not either.
 *
 * @role  not CONFINE_PROCESS
 */
void confine_thread(enum confine_role role);

#endif
