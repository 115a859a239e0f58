/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_PEER_SET_H
#define NETPOLD_POLICY_TABLE_PEER_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "table/label_index.h"
#include "table/match.h"
#include "table/parts.h"

/**
 * The set of identities that a selector peer matches, as bits.
 *
 * Equal peers are one set, however many rules name them, and are evaluated
 * once. Peers with a selector of their own namespace are different in each
 * namespace.
 *
 * Bits are numbered by identities. An identity's number is not used again while
 * any snapshot may know it, so that this holds: a bit that changes after its
 * set was published is one that no reader asks for. Bits of new identities are
 * therefore set in place, without a new set and without a new rule table, and
 * every answer that a snapshot gives stays what it was. That is the only thing
 * about a published part that ever changes. Where a set has no room for a bit,
 * it gets other words; its readers find them at once, so that they count as
 * made when the set was.
 *
 * Threads  who compiles writes, any thread that holds a snapshot reads.
 */

/** Words of 64 bits each, from the first to the last that is not zero. */
struct peer_bits {
	uint32_t first; /* number of the first word */
	uint32_t n;
	_Atomic uint64_t words[];
};

/** Room for the bits of most sets, those of one namespace, beside the set. */
#define PEER_SET_FEW_WORDS 2

struct peer_set {
	/* for readers: one cache line */
	_Atomic(const struct peer_bits *) bits; /* never NULL; first: see
						   struct member */
	struct {
		uint32_t first, n;
		_Atomic uint64_t words[PEER_SET_FEW_WORDS];
	} few; /* as struct peer_bits */

	/* for who compiles */
	struct part part;
	struct peer_words *many; /* where bits are, if they are not few */
	struct peer_set *next;	 /* in its bucket */
	size_t hash;
	size_t n_users;
	size_t size;	 /* of this memory */
	const char *own; /* its pods are of this namespace (NP-30), or
			    NULL: namespaces says which */
	struct selector namespaces;
	struct selector pods;
	bool never;		  /* a selector cannot be evaluated (NP-25) */
	struct peer_set **unions; /* unions that it is a member of */
	size_t n_unions, unions_capacity;
	struct peer_set **members; /* of a union; else NULL */
	size_t n_members;
};

/** Whether an identity is in a set. */
static inline bool peer_set_has(const struct peer_set *set, uint32_t identity)
{
	const struct peer_bits *bits =
		atomic_load_explicit(&set->bits, memory_order_acquire);
	uint32_t word = identity / 64 - bits->first;

	return word < bits->n && (atomic_load_explicit(&bits->words[word],
						       memory_order_relaxed) >>
					  identity % 64 &
				  1);
}

/* ---- for who compiles --------------------------------------------------- */

/** All sets that rule tables use. Zero is none. */
struct peer_sets {
	struct peer_set **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_sets;
	size_t n_built; /* ever */
	struct label_index index;
};

/**
 * The set of a peer with selectors, used once more.
 *
 * @namespace  of the policy, interned
 *
 * Returns  the set, its bits missing where *@is_new; NULL without memory.
 */
struct peer_set *peer_sets_get(struct parts *parts, struct peer_sets *sets,
			       const struct peer *peer, const char *namespace,
			       bool *is_new);

/** The union of sets, each of which it uses; used once. NULL without memory. */
struct peer_set *peer_set_unite(struct parts *parts, struct peer_set **members,
				size_t n);

/** One user less. */
void peer_set_drop(struct parts *parts, struct peer_sets *sets,
		   struct peer_set *set);

/** Whether an identity of these facts and labels belongs into a set. */
bool peer_set_matches(const struct peer_set *set,
		      const struct namespace_facts *facts,
		      const struct labels *labels);

/** Fill a new set: @words  of all identities that there are. 0 or -ENOMEM. */
int peer_set_fill(struct parts *parts, struct peer_set *set,
		  const uint64_t *words, uint32_t n);

/** Put an identity into, or take it out of, all sets that it belongs into.
 *  0 or -ENOMEM, which only putting in can run into. */
int peer_sets_enter(struct parts *parts, const struct peer_sets *sets,
		    const struct namespace_facts *facts,
		    const struct labels *labels, uint32_t identity);
void peer_sets_leave(const struct peer_sets *sets,
		     const struct namespace_facts *facts,
		     const struct labels *labels, uint32_t identity);

/** Free what is left when all users are gone. */
void peer_sets_release(struct parts *parts, struct peer_sets *sets);

#endif
