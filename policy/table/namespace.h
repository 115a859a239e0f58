/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_NAMESPACE_H
#define NETPOLD_POLICY_TABLE_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>

#include "table/match.h"
#include "table/parts.h"

/**
 * The namespaces that pods and policies are of, whether their objects were seen
 * or not (API-18).
 *
 * Threads  who compiles.
 */
struct table_namespace {
	struct table_namespace *next; /* in its bucket */
	const char *name;	      /* interned */
	struct namespace_facts *facts;
	struct identity *identities; /* its own, idle ones too */
	size_t n_identities;
	const struct object **policies; /* that can select; each used */
	size_t n_policies, policies_capacity;
	struct table_namespace *next_dirty;
	bool dirty; /* its facts have changed in this round */
};

struct namespaces {
	const char *name_key; /* NAMESPACE_NAME_LABEL, interned */
	struct table_namespace **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
};

/** 0 or -ENOMEM. */
int namespaces_init(struct parts *parts, struct namespaces *namespaces);

/** Free them all. */
void namespaces_release(struct parts *parts, struct namespaces *namespaces);

/** A namespace by its interned name, or NULL. */
struct table_namespace *namespaces_find(const struct namespaces *namespaces,
					const char *name);

/** The same, made where there is none, knowing no more of it than its name.
 *  NULL without memory. */
struct table_namespace *namespaces_get(struct parts *parts,
				       struct namespaces *namespaces,
				       const char *name);

/** Free a namespace that has no identity, no policy and no object. */
void namespaces_drop_unused(struct parts *parts, struct namespaces *namespaces,
			    struct table_namespace *namespace);

/**
 * Take in the labels of its object; NULL: there is no object.
 *
 * @labels  of the pool
 *
 * Returns  1 if its facts are other ones now; 0; -ENOMEM with all as it was.
 */
int namespaces_learn(struct parts *parts, const struct namespaces *namespaces,
		     struct table_namespace *namespace,
		     const struct labels *labels);

/** Use a policy of the namespace. 0 or -ENOMEM. */
int namespace_add_policy(struct parts *parts, struct table_namespace *namespace,
			 const struct object *policy);

/** Take a policy out that is there, and use it no more. */
void namespace_remove_policy(struct parts *parts,
			     struct table_namespace *namespace,
			     const struct object *policy);

struct namespace_facts *facts_use(struct namespace_facts *facts);
void facts_drop(struct parts *parts, struct namespace_facts *facts);

#endif
