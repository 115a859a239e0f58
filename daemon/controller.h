/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_CONTROLLER_H
#define NETPOLD_DAEMON_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"
#include "observe/web_options.h"

#include "enforcement.h"
#include "flowlog/flow_log.h"
#include "kube/access.h"

/**
 * The control path of `netpold run`, one thread: manifests or the objects of an
 * API server change, those that did are read, the cluster is compiled, and put
 * in force. It ends at SIGTERM or SIGINT, and when another netpold has taken
 * over (handover/).
 */
struct controller_options {
	const char *const *paths; /* --manifests; none: an API server */
	size_t n_paths;
	struct kube_choice cluster; /* which one */
	const char *node_name;
	const char *status_socket; /* --status-socket; "": none */
	struct web_options web;	   /* --metrics-…, --page-listen */
	size_t n_told_policies;	   /* --metrics-policies; 0: none */
	const char *state_dir;	   /* --state-dir; "": none */
	/* Stay, with nothing left to do, when another netpold has taken over:
	   for who would start this one again if it ended, which would then take
	   over in turn. */
	bool wait_when_replaced;
	bool seccomp; /* --seccomp */
	struct flow_log_options flow_log;
	struct enforcement_options enforcement;
};

/**
 * Run until told to stop, or replaced. Where another netpold runs here, it is
 * asked to hand over.
 *
 * Returns  0 after an orderly stop; a negative errno where it could not start,
 *          with a message for the operator. A change that cannot be put in
 *          force is logged, and what was in force stays.
 */
int controller_run(const struct controller_options *options, struct err *err);

#endif
