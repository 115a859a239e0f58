/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_RECORDS_RECORD_WORLD_H
#define NETPOLD_DAEMON_RECORDS_RECORD_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/addr.h"
#include "netpold/cluster.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"
#include "netpold/workload.h"
#include "records/record_reader.h"

/**
 * Whom a record means in a cluster that is not as it was when the record was
 * written.
 *
 * Names count before addresses, which are given to other pods in time (L20). An
 * end that names a pod is the pod of that name, at the address that it has
 * here; where there is none, the first pod by name of its workload, since those
 * of a Deployment are new ones after every roll-out; and where there is none of
 * these, nobody. An end that names no pod is whoever has its address; where a
 * record says that addresses have changed hands since, it is nobody.
 *
 * Only pods count that hold an address of the record's family, and have not
 * finished (NP-60 … NP-64). Two pods stay two: none stands for both ends, which
 * would be a pod that reaches itself (NP-50).
 *
 * Threads  one at a time.
 */

/** A pod, by what people call it. */
struct record_pod {
	struct workload workload;		 /* workload_name_of_pod() */
	const struct pod *pod;			 /* of the cluster */
	struct ip_addr addrs[POD_MAX_ADDRESSES]; /* those that it holds */
	size_t n_addrs;
	/* Places in the list: the first pod of its workload, and of its
	   namespace. */
	uint32_t workload_at, namespace_at;
};

struct record_world {
	const struct cluster *cluster;
	const struct snapshot *snapshot;
	struct record_pod *pods; /* by workload, then by name */
	size_t n_pods;
	struct arena arena;
};

/**
 * @cluster, @snapshot  of one another; they have to outlive it, and every pod
 *                      has to be local
 *
 * Returns  0 or -ENOMEM; to be released in either case.
 */
int record_world_init(struct record_world *world, const struct cluster *cluster,
		      const struct snapshot *snapshot);
void record_world_release(struct record_world *world);

/** A record's flow in a world. */
struct record_flow {
	struct flow_key key;
	const struct record_pod *ends[N_DIRECTIONS]; /* sender and receiver;
							NULL: no pod */
};

/**
 * @seen  not is_unasked
 * @out   set where it is found
 * @lost  else: the end that nobody here stands for
 *
 * Returns  whether it is found.
 */
bool record_world_find(const struct record_world *world,
		       const struct record_seen *seen, struct record_flow *out,
		       enum direction *lost);

#endif
