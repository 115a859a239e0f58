/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_RECORDS_WORKLOAD_NAME_H
#define NETPOLD_DAEMON_RECORDS_WORKLOAD_NAME_H

#include <stddef.h>

#include "netpold/object.h"
#include "netpold/workload.h"
#include "records/record_reader.h"

/**
 * What pods belong to, by one name whether they are read of in a record or in
 * a cluster.
 *
 * It is what workload.h says: the owner; of a ReplicaSet less the hash of the
 * pod template, of a Job less the time; a pod without an owner is named by its
 * own name. A record does not have the label that tells a Deployment's
 * ReplicaSet from somebody else's, so the hash is known by its letters there,
 * and whoever names ReplicaSets like a Deployment is taken for one: ReplicaSet
 * web-7d4b9c6f5d is Deployment web in both.
 *
 * The names point into what they were asked of. Threads: any.
 */
struct workload workload_name_of_pod(const struct pod *pod);

/** @end  names a pod */
struct workload workload_name_of_record(const struct record_end *end);

/** Room for a namespace, a slash and a name. */
#define WORKLOAD_NAME_LEN                                                      \
	(sizeof(((struct record_end *)NULL)->namespace) +                      \
	 sizeof(((struct record_end *)NULL)->owner_name))

/** Write "NAMESPACE/WORKLOAD", or the address of an end that names nobody. */
void workload_name_write(const struct record_end *end,
			 char out[WORKLOAD_NAME_LEN]);

#endif
