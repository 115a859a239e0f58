/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_STORE_CLUSTER_PARTS_H
#define NETPOLD_POLICY_STORE_CLUSTER_PARTS_H

#include "store/bundle.h"
#include "store/changes.h"
#include "store/scope.h"

/**
 * What a cluster is made of: cluster.c takes events, departure.c keeps what a
 * namespace leaves behind when it goes away, assign.c takes another cluster.
 */

/** Policies that were deleted not long ago, the oldest first. */
struct tombstones {
	struct record **items; /* a ring; each is used */
	size_t first, n, capacity;
};

struct cluster {
	struct intern_pool *pool;
	struct scopes scopes;
	uint32_t lists[N_OBJECT_KINDS]; /* how many were begun */
	struct bundles bundles;
	struct tombstones tombstones;
	struct changes changes;
};

/** Whether decisions count a record. */
bool record_counts(const struct record *record);

/** Whether records of a kind may stay when their objects are deleted. */
bool departure_keeps(enum object_kind kind);

/** A namespace was put. @was_going  it was terminating, or gone, before */
void departure_after_namespace(struct cluster *cluster,
			       const struct namespace *namespace,
			       bool was_going, int64_t now_ms);

/** A pod was deleted, or is finished: was it the last of its namespace? */
void departure_after_pod(struct cluster *cluster, const char *namespace);

bool departure_is_going(const struct cluster *cluster, const char *namespace);

/** Delete a policy. Returns 1 if decisions change, else 0, or -ENOMEM. */
int departure_delete_policy(struct cluster *cluster, struct scope *scope,
			    struct record *record, int64_t now_ms);

/** Delete a namespace. Returns whether decisions change. */
bool departure_delete_namespace(struct cluster *cluster, struct record *record,
				int64_t now_ms);

/** Forget what was deleted too long ago to matter; not during a walk. */
void departure_age(struct cluster *cluster, int64_t now_ms);

void tombstones_release(struct tombstones *tombstones,
			struct intern_pool *pool);

#endif
