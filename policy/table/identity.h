/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_IDENTITY_H
#define NETPOLD_POLICY_TABLE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/object.h"

#include "store/intern.h"
#include "table/identity_view.h"
#include "table/namespace.h"

/**
 * What policies can tell pods by: namespace, labels and named ports. All pods
 * with the same three are one identity, and what is worked out for one of them
 * holds for all. A namespace whose labels change makes new identities of all
 * its pods.
 *
 * Identities have numbers. A block of 64 belongs to one namespace, so that what
 * is about one namespace is one word of bits. A number names the same identity
 * for as long as any snapshot may know it.
 *
 * An identity whose last pod goes is kept for a while: the next pod of the
 * workload has it again. Too many idle ones go, the longest idle first.
 */
struct identity {
	struct part part;
	/* never changed, also for readers */
	struct namespace_facts *facts;
	struct labels labels;
	struct named_ports ports;
	uint32_t number;

	/* for who compiles */
	struct identity *next; /* in its bucket */
	struct table_namespace *namespace;
	struct identity *previous_sibling, *next_sibling; /* of the namespace */
	struct identity *previous_idle, *next_idle;
	struct identity *next_dirty;
	size_t n_users;	       /* addresses of its pods */
	struct ip_addr *local; /* those of pods that are local */
	size_t n_local, local_capacity;
	struct rule_table *rules[N_DIRECTIONS]; /* NULL: not isolated */
	bool compiled;				/* rules holds */
	bool dirty; /* in the list of those to be compiled */
	bool evicted;
};

/** Those of a table. Zero is none. Threads: who compiles. */
struct identities {
	struct identity **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;	  /* idle ones too */
	struct identity_views *views;
	/* numbers, by block */
	uint64_t *taken; /* as bits */
	size_t n_blocks, taken_capacity;
	size_t first_free; /* no block before it is free */
	/* idle ones, the longest idle first */
	struct identity *first_idle, *last_idle;
	size_t n_idle;
};

/**
 * The identity of a pod; made where there is none (then *@is_new).
 *
 * Returns  NULL without memory.
 */
struct identity *identities_get(struct parts *parts,
				struct identities *identities,
				struct table_namespace *namespace,
				const struct pod *pod, bool *is_new);

/** The identity of a number that is taken. */
static inline struct identity *
identities_by_number(const struct identities *identities, uint32_t number)
{
	return (struct identity *)(uintptr_t)identity_views_get(
		       identities->views, number)
		->identity;
}

/** An address more, or less, of the identity's pods. */
void identity_use(struct identities *identities, struct identity *identity);
void identity_unuse(struct identities *identities, struct identity *identity);

/** Remember, or forget, the address of a local pod. 0 or -ENOMEM. */
int identity_add_local(struct parts *parts, struct identity *identity,
		       const struct ip_addr *addr);
void identity_remove_local(struct identity *identity,
			   const struct ip_addr *addr);

/** Show the identity's rules to readers, from the next snapshot on. */
int identity_show(struct parts *parts, struct identities *identities,
		  const struct identity *identity);

/** The longest idle where there are too many idle ones; else NULL. */
struct identity *identities_to_evict(const struct identities *identities);

/**
 * Forget an idle identity, whose rules were dropped: no newer snapshot knows
 * it. It is a part to be thrown now, and its number is not free before it is.
 *
 * Returns  0 or -ENOMEM.
 */
int identities_evict(struct parts *parts, struct identities *identities,
		     struct identity *identity);

/** Free an identity that was evicted, and its number. */
void identity_free(struct parts *parts, struct identities *identities,
		   struct identity *identity);

/** Free all of them; nobody reads them. Their rules were dropped. */
void identities_release(struct parts *parts, struct identities *identities);

#endif
