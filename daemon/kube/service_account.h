/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_SERVICE_ACCOUNT_H
#define NETPOLD_DAEMON_KUBE_SERVICE_ACCOUNT_H

#include <stdbool.h>

#include "netpold/err.h"

#include "kube/access.h"

/**
 * What the kubelet gives to each container: two variables that say where the
 * API server's Service is, and a folder with a token and a CA (API-60).
 */

/** Where that folder is; tests have one of their own. */
#define SERVICE_ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

/** Whether this is a container of a cluster: both variables are there, or the
 *  folder is and @has_server says that the variables are not needed. */
bool service_account_is_here(const char *folder, bool has_server);

/**
 * The way to the API server of this cluster.
 *
 * @has_server  leave out->server NULL: it will be put there
 * @out         to be released where it succeeds
 *
 * Returns  0, -EINVAL (variables that make no URL) or -ENOMEM, with a message.
 */
int service_account_access(const char *folder, bool has_server,
			   struct kube_access *out, struct err *err);

#endif
