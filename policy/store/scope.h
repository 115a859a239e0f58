/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_STORE_SCOPE_H
#define NETPOLD_POLICY_STORE_SCOPE_H

#include <stddef.h>

#include "store/record.h"

/**
 * The records of one namespace, by kind and name. Those of cluster-scoped
 * objects are in the scope named "".
 *
 * Looking up goes through the namespace first and the name then: a pair, never
 * a concatenation, so that "a-b"/"c" is not "a"/"b-c" (L25).
 */

/** Records by name. All zero is an empty one. */
struct record_table {
	struct record **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_records;
};

struct scope {
	struct scope *next; /* the scopes' own */
	const char *namespace;
	struct record_table tables[N_OBJECT_KINDS];
	size_t n_live_pods; /* not finished (NP-62) */
};

/** The scopes of a cluster. All zero but for the pool is none. */
struct scopes {
	struct intern_pool *pool; /* not theirs */
	struct scope **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_scopes;
};

/** The scope of a namespace, or NULL where nothing was ever put there. */
struct scope *scopes_find(const struct scopes *scopes, const char *namespace);

/** The same, made where there is none; NULL without memory. */
struct scope *scopes_get(struct scopes *scopes, const char *namespace);

/** Take a scope out that holds nothing any more; not during a walk. */
void scopes_remove_empty(struct scopes *scopes, const char *namespace);

/** The same for all. */
void scopes_prune(struct scopes *scopes);

/** Drop all records, and the scopes. */
void scopes_release(struct scopes *scopes);

/** Called for each scope; a negative result ends the walk and is its result. */
typedef int (*scope_fn)(void *ctx, struct scope *scope);

/** Returns the sum of what @each has returned, or its first negative result. */
int scopes_each(const struct scopes *scopes, scope_fn each, void *ctx);

/* ---- one scope ---------------------------------------------------------- */

struct record *scope_find(const struct scope *scope, enum object_kind kind,
			  const char *name);

/** The table becomes the record's one user. 0 or -ENOMEM. */
int scope_insert(struct scope *scope, struct record *record);

/** Put a record in the place of one with the same kind and name, which is
 *  dropped. */
void scope_replace(struct scope *scope, struct intern_pool *pool,
		   struct record *old, struct record *record);

/** Take a record out and drop it. */
void scope_remove(struct scope *scope, struct intern_pool *pool,
		  struct record *record);

/** May remove or replace the record it is given, and no other of its kind. */
typedef int (*record_fn)(void *ctx, struct record *record);

/** As scopes_each(). */
int scope_each(const struct scope *scope, enum object_kind kind, record_fn each,
	       void *ctx);

#endif
