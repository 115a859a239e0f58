/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_WORKLOAD_H
#define NETPOLD_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/object.h"

/**
 * What a pod belongs to, as people call it: not the ReplicaSet that a
 * Deployment has made for one version, nor the Job of last midnight.
 *
 *	pod		owner				workload
 *	web-7d4b-x2f	ReplicaSet web-7d4b		Deployment web
 *	backup-2839-k	Job backup-28391220		CronJob backup
 *	db-0		StatefulSet db			StatefulSet db
 *	etcd-node7	Node node7			Pod etcd
 *	tool		none				Pod tool
 */
struct workload {
	const char *namespace;
	const char *kind;
	const char *name; /* in a string of the pod's: ends at name_len */
	size_t name_len;
	bool is_pod; /* by its own name: nobody owns it */
};

struct workload workload_of(const struct pod *pod);

/** By namespace, name and kind. */
int workload_compare(const struct workload *a, const struct workload *b);

#endif
