/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_RECORDS_WORKLOAD_NAME_H
#define NETPOLD_DAEMON_RECORDS_WORKLOAD_NAME_H

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

#endif
