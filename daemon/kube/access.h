/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_ACCESS_H
#define NETPOLD_DAEMON_KUBE_ACCESS_H

#include <stdbool.h>

#include "netpold/err.h"

/**
 * Where the API server is, and how to prove who asks: as a pod finds it in its
 * cluster (API-60), or as a kubeconfig says (API-63).
 *
 * A plain value that owns its strings; NULL is absent. *_data is PEM text,
 * decoded from base64, and wins over the file beside it. Files are named by
 * absolute paths, and are read by whoever uses them.
 */
struct kube_access {
	char *origin; /* for messages: "the cluster of this pod", or a path */
	char *server; /* "https://[fd00::1]:6443/prefix", no slash at its end */
	char *tls_server_name;
	char *ca_file, *ca_data; /* neither: the system's roots */
	char *cert_file, *cert_data;
	char *key_file, *key_data;
	char *token_file, *token; /* the file wins */
	char *username, *password;
	char *proxy_url; /* NULL: as the usual variables say */
	bool insecure;	 /* nothing is verified */
	bool no_compression;
};

/** What the operator said; NULL is nothing. */
struct kube_choice {
	const char *kubeconfig; /* --kubeconfig: one path */
	const char *api_server; /* --api-server: a URL, in place of the server
				   that is found */
};

/**
 * Find the way: --kubeconfig; else the files of $KUBECONFIG, merged; else the
 * cluster that this is a pod of; else ~/.kube/config.
 *
 * @out  to be released, also on failure
 *
 * Returns  0; -ENOENT where there is none of these; -EINVAL where it cannot be
 *          read or asks for what is not supported (exec plugins, auth
 *          providers); with a message: file:line, field, what was expected.
 */
int kube_access_find(const struct kube_choice *choice, struct kube_access *out,
		     struct err *err);

/** All-zero is fine. */
void kube_access_release(struct kube_access *access);

#endif
