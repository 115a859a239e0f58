/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_PARTS_H
#define NETPOLD_POLICY_TABLE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Snapshots are small roots over shared parts, and this is who owns the parts.
 *
 * A part is built in one round and published with the snapshot that ends the
 * round; from then on readers may be looking at it, and it never changes (the
 * one exception is explained in peer_set.h). Whoever wants it different builds
 * another one and throws the old one away: it is freed when the last snapshot
 * that may lead to it is freed. A part of the round that is still going on has
 * no readers: it may be written to, and goes at once.
 *
 *	round 1		round 2			snapshot 1 is freed
 *	snapshot 1 ─► A	   A'  ◄─ snapshot 2	A is freed
 *	           └► B ◄──────── snapshot 2	B stays
 *	           A is thrown: snapshot 1 was the last to lead to it
 *
 * Threads  one at a time; readers only read parts.
 */
struct intern_pool;
struct parts;

/** What every part has, most at their beginning. */
struct part {
	struct part *next; /* among the thrown */
	uint64_t round;	   /* in which it was made */
	void (*free)(struct parts *parts, struct part *part);
};

/** Whose memory a thing is, for the accounts. */
enum part_kind {
	PART_ADDRESSES, /* which pod has an address */
	PART_IDENTITIES,
	PART_PEERS, /* which identities a peer matches */
	PART_RULES, /* what a pod's policies allow */
	PART_INDEX, /* to find what a change concerns */
};
#define N_PART_KINDS 5

struct parts {
	struct intern_pool *pool;
	uint64_t round;	     /* the one that is going on, from 1 */
	struct part *thrown; /* in this round */
	bool ending;	     /* nobody reads anything any more */
	size_t bytes[N_PART_KINDS];
};

/** Zeroed memory, accounted for; NULL where there is none. */
void *parts_alloc(struct parts *parts, enum part_kind kind, size_t size);

/** The same, at the beginning of a cache line, for what readers wait for. */
void *parts_alloc_line(struct parts *parts, enum part_kind kind, size_t size);

/** @size  as it was asked for. NULL is fine. */
void parts_free(struct parts *parts, enum part_kind kind, void *memory,
		size_t size);

/**
 * Room for one more item in an array that grows by doubling.
 *
 * Returns  the array, moved perhaps; NULL without memory, with all as it was.
 */
void *parts_grow(struct parts *parts, enum part_kind kind, void *items,
		 size_t n, size_t *capacity, size_t size);

/** A new part of this round, zero but for its beginning. */
void *parts_new(struct parts *parts, enum part_kind kind, size_t size,
		void (*free)(struct parts *parts, struct part *part));

/** The same for a part that lies in memory of the caller's. */
static inline void part_begin(const struct parts *parts, struct part *part,
			      void (*free)(struct parts *parts,
					   struct part *part))
{
	part->round = parts->round;
	part->free = free;
}

/** Whether nobody can be reading it yet. */
static inline bool part_is_ours(const struct parts *parts,
				const struct part *part)
{
	return part->round == parts->round || parts->ending;
}

/** No newer snapshot will lead to a part. NULL is fine. */
void parts_throw(struct parts *parts, struct part *part);

/** Free a list of thrown parts; nobody reads them any more. */
void parts_free_thrown(struct parts *parts, struct part *thrown);

#endif
