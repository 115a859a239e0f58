/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_KUBE_READ_H
#define NETPOLD_DAEMON_KUBE_KUBE_READ_H

#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/finding.h"

#include "kube/access.h"

/**
 * Read the objects of a cluster once: all pods that have not finished,
 * namespaces, policies and nodes. Blocks until they are there.
 *
 * Streams of different resources are not ordered against each other (API-18):
 * what changes meanwhile may be in it or not.
 *
 * @report  of objects that cannot be read; may be NULL
 * @out     the caller's, on success
 *
 * Returns  0; a negative errno with a message that names the server, where
 *          something fails: it is not tried again.
 */
int kube_read(const struct kube_choice *choice, finding_fn report,
	      void *report_ctx, struct cluster **out, struct err *err);

#endif
