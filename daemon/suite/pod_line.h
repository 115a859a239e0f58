/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_POD_LINE_H
#define NETPOLD_DAEMON_SUITE_POD_LINE_H

#include "netpold/arena.h"
#include "netpold/err.h"
#include "netpold/object.h"

/**
 * Pods and namespaces in a line each, for suites whose manifests have policies
 * and no pods:
 *
 *	shop/web-1 app=web tier=front http:8080 dns:53/UDP 10.1.0.10 @node-1
 *	shop team=a env=prod
 *
 * Words stand apart by blanks or commas, in any order but for the first, which
 * is the name: KEY=VALUE is a label, NAME:PORT a named port (TCP without a
 * protocol), an address is the pod's, @NODE where it runs.
 *
 * Strings and arrays are @arena's.
 */

/** Returns 0 with a pod, without an address where none is said; -EINVAL with a
 *  message; -ENOMEM. */
int pod_line_read(const char *line, struct arena *arena, struct pod *out,
		  struct err *err);

/** The same for a namespace, which has the label with its name (NP-41). */
int namespace_line_read(const char *line, struct arena *arena,
			struct namespace *out, struct err *err);

#endif
