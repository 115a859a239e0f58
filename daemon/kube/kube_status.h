/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_KUBE_STATUS_H
#define NETPOLD_DAEMON_KUBE_KUBE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * How it stands between the API server and us: a plain value, copied whole.
 * Times are steady (clock_us()), in microseconds; 0 is never.
 */
enum kube_resource {
	KUBE_NAMESPACES,
	KUBE_POLICIES,
	KUBE_PODS,
	KUBE_NODE,	       /* this node's own */
	KUBE_CLUSTER_POLICIES, /* not enforced: counted */
};
#define N_KUBE_RESOURCES 5

struct kube_resource_status {
	bool is_synced;	  /* a whole list has come */
	bool is_served;	  /* false: the server does not know it (API-2) */
	int64_t heard_us; /* when the server last said anything about it */
	size_t n_objects;
	/* Objects that the server has, and that cannot be read in full: they
	   are not in force as they stand. */
	size_t n_unreadable;
	char unreadable[320]; /* the first of them: "shop/web" */
	/* since the start */
	uint64_t n_lists; /* whole ones */
	uint64_t n_watches;
	uint64_t n_events;
	uint64_t n_failures;
	uint64_t n_requests;
	/* why it is not being watched just now; "": it is */
	char trouble[sizeof(((struct err *)0)->message)];
};

struct kube_status {
	bool is_used; /* false: objects come from manifests */
	char server[256];
	struct kube_resource_status resources[N_KUBE_RESOURCES];
};

/** "pods", "namespaces", "networkpolicies", "nodes",
 *  "clusternetworkpolicies". */
const char *kube_resource_name(enum kube_resource resource);

#endif
