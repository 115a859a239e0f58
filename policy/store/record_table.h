/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_RECORD_TABLE_H
#define NETPOLD_POLICY_RECORD_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/object.h"

#include "intern.h"

/**
 * Objects of one kind, found by their names.
 *
 * The key is the pair (namespace, name): a pair, never a concatenation, so that
 * "a-b"/"c" is not "a"/"b-c" (L25). Each record holds the lists of its object
 * in an arena of its own, so that objects come and go one by one; strings are
 * the pool's, which all tables of a cluster share.
 */

enum record_state {
	RECORD_PRESENT = 0, /* the API has it */
	RECORD_REMEMBERED,  /* the API has deleted it, decisions count it */
	RECORD_TOMBSTONE,   /* deleted, counts no more; kept for a while */
};

struct record {
	struct record *next;
	struct arena arena;	      /* of the object's lists */
	struct string_block *strings; /* of the pool, to be dropped */
	struct object object;
	enum record_state state;
	uint64_t hash;
	uint64_t list;	    /* the last list that it was in */
	int64_t deleted_ms; /* REMEMBERED and TOMBSTONE only */
};

/** Zero but for the pool is an empty table. */
struct record_table {
	struct intern_pool *pool; /* not the table's */
	struct record **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_records;
	uint64_t list; /* counts the lists that were begun */
};

struct record_key {
	const char *namespace; /* "" for cluster-scoped objects */
	const char *name;
};

struct record_key object_key(const struct object *object);

/** A record with a copy of an object, in no table; NULL without memory. */
struct record *record_new(struct intern_pool *pool,
			  const struct object *object);
void record_free(struct intern_pool *pool, struct record *record);

struct record *record_table_find(const struct record_table *table,
				 struct record_key key);

/** Owns the record on success. 0 or -ENOMEM. */
int record_table_insert(struct record_table *table, struct record *record);

/** Takes a record out and frees it. */
void record_table_remove(struct record_table *table, struct record *record);

/** Free all records. */
void record_table_release(struct record_table *table);

/**
 * Called for each record of a walk; may remove the record it is given, and no
 * other of the same table.
 */
typedef int (*record_fn)(void *ctx, struct record *record);

/** Sums up what the callback returns; stops at the first negative. */
int record_table_each(struct record_table *table, record_fn each, void *ctx);

#endif
