/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_STORE_RECORD_H
#define NETPOLD_POLICY_STORE_RECORD_H

#include <stdint.h>

#include "netpold/object.h"

#include "store/intern.h"

/**
 * One object as the store keeps it: one piece of memory, never changed, for as
 * long as anybody uses it. Labels, ports and repeated names are the pool's; a
 * pod's own name and UID, which nobody shares, lie in the record.
 *
 * Users are counted: the store's table is one, and so is each table of a
 * snapshot that names the object.
 *
 * Threads  one at a time, but for reading the object.
 */
enum record_state {
	RECORD_PRESENT = 0, /* the API has it */
	RECORD_REMEMBERED,  /* the API has deleted it, decisions count it */
	RECORD_TOMBSTONE,   /* deleted, counts no more; kept for a while */
	RECORD_GONE,	    /* in no table any more */
};

struct record {
	struct record *next; /* the table's */
	uint32_t hash;	     /* the table's */
	uint32_t n_users;
	uint32_t list;	 /* the last list that it was in */
	uint32_t bundle; /* that it was put in; 0: in none */
	uint32_t size;	 /* of all of it */
	uint8_t state;	 /* enum record_state */
	/* What points here in the list of a bundle; NULL: nothing does. */
	struct record **bundle_link;
	union {
		struct record *bundle_next; /* where something points here */
		int64_t deleted_ms;	    /* REMEMBERED and TOMBSTONE only */
	};
	struct object object;
	/* lists, and strings of its own, follow */
};

/** A record of a copy of an object, with one user; NULL without memory. */
struct record *record_new(struct intern_pool *pool,
			  const struct object *object);

/** The record that an object lies in, which has to be one of a store's. */
struct record *record_of(const struct object *object);

/** One more user; returns the object. */
const struct object *record_use(const struct object *object);

/** One user less. NULL is fine. */
void record_drop(struct intern_pool *pool, const struct object *object);

/** The name an object has in its namespace, or among its kind. */
const char *object_name(const struct object *object);

/** The namespace of an object; "" for cluster-scoped ones. */
const char *object_namespace(const struct object *object);

/** The UID of an object; "" where it has none, and of nodes, which are who they
 *  are by their names. */
const char *object_uid(const struct object *object);

#endif
