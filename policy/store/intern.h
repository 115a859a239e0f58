/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_STORE_INTERN_H
#define NETPOLD_POLICY_STORE_INTERN_H

#include <stddef.h>

#include "netpold/object.h"

/**
 * Strings, and lists of labels and ports, each kept once however often it is
 * used.
 *
 * The objects of a cluster say the same few things over and over: label keys
 * and values, namespaces, node names; all pods of a workload have the same
 * labels and ports. Users are counted; a thing goes with its last one. Two
 * things of one pool are equal exactly when their pointers are, so that nothing
 * behind the store ever compares text.
 *
 * A pool lives as long as anybody holds it: the cluster whose objects it
 * serves, and whoever keeps objects of that cluster beyond its end.
 *
 * Threads  one at a time.
 */
struct intern_pool;

/** Held once, by the caller; NULL without memory. */
struct intern_pool *intern_pool_new(void);

/** One more who holds it; returns @pool. */
struct intern_pool *intern_pool_hold(struct intern_pool *pool);

/** One less; with the last one everything goes. NULL is fine. */
void intern_pool_release(struct intern_pool *pool);

/** What a pool holds, for accounts and tests. */
struct intern_counts {
	size_t strings, lists;
	size_t bytes; /* of memory, buckets not counted */
};
struct intern_counts intern_pool_counts(const struct intern_pool *pool);

/* ---- strings ------------------------------------------------------------ */

/** One more user of a string; NULL without memory. "" is a string too. */
const char *intern(struct intern_pool *pool, const char *text);

/** One more user of a string that intern() has returned; returns it. */
const char *intern_again(const char *text);

/** One user less of a string that intern() has returned. NULL is fine. */
void intern_drop(struct intern_pool *pool, const char *text);

/** The string of the pool with this text, or NULL; no user is counted. */
const char *intern_find(const struct intern_pool *pool, const char *text);

/* ---- lists -------------------------------------------------------------- */

/**
 * One more user of a list of labels. Its strings are interned.
 *
 * Returns  0 or -ENOMEM with @out untouched.
 */
int intern_labels(struct intern_pool *pool, const struct labels *labels,
		  struct labels *out);

void intern_labels_again(const struct labels *labels);
void intern_labels_drop(struct intern_pool *pool, const struct labels *labels);

/** The named ports of a pod, sorted by protocol, number and name. */
struct named_ports {
	const struct container_port *items;
	size_t n;
};

int intern_ports(struct intern_pool *pool, const struct named_ports *ports,
		 struct named_ports *out);
void intern_ports_again(const struct named_ports *ports);
void intern_ports_drop(struct intern_pool *pool,
		       const struct named_ports *ports);

/* ---- accounts ----------------------------------------------------------- */

/** Memory of things that belong to the users of the pool, counted with it. */
void intern_pool_account(struct intern_pool *pool, ptrdiff_t bytes);

#endif
