/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PROCESS_H
#define NETPOLD_DAEMON_PROCESS_H

#include <stddef.h>

#include "netpold/err.h"

/**
 * Run another program to its end, with text in and text out.
 *
 * The program is iptables, for start-up and clean-up, and now and then for an
 * observer: never on the way of a packet or of a policy change. SIGPIPE has to
 * be ignored.
 */
struct process_result {
	int status;   /* exit status; 128 + signal when killed */
	char *output; /* standard output, then standard error; zero-ended,
			 cut at a bound; the caller frees it */
	size_t len;
};

/**
 * Run argv[0], found in PATH.
 *
 * @input  written to its standard input; may be NULL
 *
 * Returns  0 when it ran, whatever its exit status; -ENOENT where there is no
 *          such program; another negative errno.
 * Threads  any.
 */
int process_run(const char *const argv[], const char *input,
		struct process_result *result, struct err *err);

void process_result_release(struct process_result *result);

#endif
