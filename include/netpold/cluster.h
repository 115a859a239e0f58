/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_CLUSTER_H
#define NETPOLD_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/object.h"

/**
 * The store: what is known of the cluster right now.
 *
 * It takes objects in any order, because streams of different resources are
 * not ordered against each other (API-18), and it is idempotent: adding what
 * is known is a change of it, deleting what is unknown is nothing (API-25). It
 * copies what it keeps; the caller's object may go at once.
 *
 * It remembers more than the last list says where a rule needs it: while a
 * namespace goes away, its labels and its last policies stay until its pods
 * are gone (NP-66), because a server may delete the policies before the pods.
 * A policy whose deletion was seen much before that of its namespace stays
 * without its rules: it isolates, and allows nothing.
 *
 * Threads  one at a time.
 */
struct cluster;

/** Returns a new, empty cluster, or NULL without memory. */
struct cluster *cluster_new(void);

/** NULL is fine. */
void cluster_free(struct cluster *cluster);
void cluster_freep(struct cluster **cluster);

/**
 * An object was added or changed.
 *
 * The same name with another UID is another object (NP-64).
 *
 * @now_ms  any steady clock; it only ages what NP-66 remembers
 *
 * Returns  1 if anything that decides about packets changed, 0 if not,
 *          -ENOMEM with the cluster as it was.
 */
int cluster_put(struct cluster *cluster, const struct object *object,
		int64_t now_ms);

/**
 * The same, of an object that came with others, from a file, say: a bundle. A
 * bundle can be replaced for what it holds itself, however much else there is.
 *
 * @bundle  a number from 1; memory grows with the largest. 0 is no bundle, as
 *          cluster_put() has it. An object of another bundle leaves that one.
 */
int cluster_put_in(struct cluster *cluster, uint32_t bundle,
		   const struct object *object, int64_t now_ms);

/**
 * An object was deleted. Only kind, namespace, name and, but for nodes, UID of
 * @object are read; an object with another UID stays (a late event of its
 * predecessor). An empty UID matches every UID.
 *
 * Returns  as cluster_put().
 */
int cluster_delete(struct cluster *cluster, const struct object *object,
		   int64_t now_ms);

/**
 * A complete list of one kind follows: begin, put each item, end. What was
 * there before and is not in the list is deleted by cluster_replace_end().
 * Until then everything stays (API-17). Lists of different kinds may overlap.
 */
void cluster_replace_begin(struct cluster *cluster, enum object_kind kind);

/** Returns 1 if something was deleted, 0 if not; -ENOMEM with some of it
 *  deleted, and the rest for when it is called again. */
int cluster_replace_end(struct cluster *cluster, enum object_kind kind,
			int64_t now_ms);

/** A list broke off before its end: nothing is deleted. */
void cluster_replace_abort(struct cluster *cluster, enum object_kind kind);

/**
 * Make @cluster hold what @from holds, in the bundles in which it holds it, as
 * if a complete list of every kind had come. What NP-66 remembers stays
 * remembered.
 *
 * Returns  1 or 0, as cluster_put(); -ENOMEM with some of it done, and the rest
 *          for when it is called again.
 */
int cluster_assign(struct cluster *cluster, const struct cluster *from,
		   int64_t now_ms);

/**
 * Make some bundles of @cluster hold what they hold in @from, and nothing else.
 * An object that moves from one bundle to another is a change of it, not its
 * end. What is in no bundle, or in another one, stays as it is.
 *
 * @bundles  their numbers; those that @cluster does not know yet may be left
 *           out
 * @from     holds nothing but these bundles
 *
 * Returns  1 or 0, as cluster_put(); -ENOMEM with some of it done, and the rest
 *          for when it is called again.
 */
int cluster_assign_bundles(struct cluster *cluster, const uint32_t *bundles,
			   size_t n_bundles, const struct cluster *from,
			   int64_t now_ms);

/**
 * Called for each object of a walk.
 *
 * Returns  0 to go on; anything else ends the walk and is its result.
 */
typedef int (*cluster_object_fn)(void *ctx, const struct object *object);

/**
 * Walk the objects of a kind that take part in decisions, remembered ones
 * (NP-66) included, in no particular order. The cluster must not change
 * meanwhile; until it does, the objects stay where they are.
 */
int cluster_each(const struct cluster *cluster, enum object_kind kind,
		 cluster_object_fn each, void *ctx);

/** The object of a kind by its name, remembered ones included, until the
 *  cluster changes; NULL where there is none. @namespace is "" for
 *  cluster-scoped kinds. */
const struct object *cluster_find(const struct cluster *cluster,
				  enum object_kind kind, const char *namespace,
				  const char *name);

/** Whether an object of this kind, namespace and name is there; the rest of
 *  @object is not read. */
bool cluster_has(const struct cluster *cluster, const struct object *object);

/** The bundle that an object of this kind, namespace and name is in; 0 where it
 *  is in none, or not there. The rest of @object is not read. */
uint32_t cluster_bundle_of(const struct cluster *cluster,
			   const struct object *object);

/** How many objects of a kind are there, remembered ones not counted. */
size_t cluster_count(const struct cluster *cluster, enum object_kind kind);

/** What a cluster holds in memory, tables not counted. */
struct cluster_memory {
	size_t strings; /* distinct ones */
	size_t lists;	/* distinct lists of labels and of ports */
	size_t bytes;	/* of objects, strings and lists */
};
struct cluster_memory cluster_memory(const struct cluster *cluster);

#endif
