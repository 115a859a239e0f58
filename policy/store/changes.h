/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_STORE_CHANGES_H
#define NETPOLD_POLICY_STORE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/cluster.h"

#include "store/intern.h"

/**
 * What has changed in a cluster since somebody last asked.
 *
 * One follower may follow a cluster. It starts from all objects, and takes the
 * changes since then whenever it likes, in the order in which they happened.
 */
struct change {
	const struct object *old; /* NULL: it did not count before */
	const struct object *new; /* NULL: it counts no more */
};

struct changes {
	struct change *items;
	size_t n, capacity;
	bool followed;
	bool lost; /* there was no memory: start from all objects again */
};

/** Note a change; uses both objects until changes_clear(). */
void changes_add(struct changes *changes, const struct object *old,
		 const struct object *new);

/** Forget what was noted, losses included. */
void changes_clear(struct changes *changes, struct intern_pool *pool);

void changes_release(struct changes *changes, struct intern_pool *pool);

/* ---- for the follower --------------------------------------------------- */

/** Returns false where somebody follows the cluster already. */
bool cluster_follow(struct cluster *cluster);
void cluster_unfollow(struct cluster *cluster);

/** The changes of a cluster, to be cleared by who has taken them. */
struct changes *cluster_changes(struct cluster *cluster);

/** As cluster_each(), of one namespace alone. */
int cluster_each_of(const struct cluster *cluster, enum object_kind kind,
		    const char *namespace, cluster_object_fn each, void *ctx);

/** The pool of its strings, labels and ports. */
struct intern_pool *cluster_pool(const struct cluster *cluster);

#endif
