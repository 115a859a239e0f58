/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_KUBE_READ_H
#define NETPOLD_DAEMON_KUBE_KUBE_READ_H

#include <stddef.h>

#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/finding.h"

#include "kube/access.h"

/** Who is told while it is read; all-zero is nobody. */
struct kube_reading {
	finding_fn report; /* of objects that cannot be read */
	void *report_ctx;
	/* How many objects there are so far; often. */
	void (*tell)(void *ctx, size_t n_objects);
	void *tell_ctx;
};

/**
 * Read the objects of a cluster once: all pods that have not finished,
 * namespaces, policies and nodes. Blocks until they are there.
 *
 * Streams of different resources are not ordered against each other (API-18):
 * what changes meanwhile may be in it or not. Nothing is watched.
 *
 * ClusterNetworkPolicies that are there, and are not enforced, are told of in
 * the log.
 *
 * @out  the caller's, on success
 *
 * Returns  0; a negative errno with a message that names the server, where
 *          something fails: it is not tried again.
 */
int kube_read(const struct kube_choice *choice,
	      const struct kube_reading *reading, struct cluster **out,
	      struct err *err);

#endif
