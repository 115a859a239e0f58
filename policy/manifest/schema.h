/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SCHEMA_H
#define NETPOLD_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/object.h"
#include "report.h"
#include "tree.h"

/**
 * Which fields an object has and of what type they are: what the API server
 * checks while it decodes, before it looks at any value (AV-10 … AV-13).
 *
 * The kinds are tables (schema_kinds.c); one walker checks them all. A
 * NetworkPolicy is closed: what is not in the table is an error, because a
 * misspelt field that is dropped in silence can make a policy wider. Pods,
 * namespaces and nodes are open: only what decides is in the table.
 */
enum schema_type {
	SCHEMA_FREE = 0, /* anything */
	SCHEMA_STRING,
	SCHEMA_BOOL,
	SCHEMA_INT32,
	SCHEMA_INT64,
	SCHEMA_INT_OR_STRING,
	SCHEMA_TIME,	   /* a string in RFC 3339 */
	SCHEMA_STRING_MAP, /* labels, annotations */
	SCHEMA_OBJECT,
};

struct schema_field {
	const char *name;
	size_t name_len;
	enum schema_type type;	     /* of the value, or of each item */
	bool is_list;		     /* the value is a list of that type */
	const char *go_type;	     /* in messages; NULL: the usual name */
	const struct schema *object; /* SCHEMA_OBJECT */
};

struct schema {
	const char *go_type; /* "NetworkPolicyPort", for messages */
	const struct schema_field *fields;
	size_t n_fields; /* at most 64 */
	bool is_open;	 /* fields that are not in the table are free */
};

/** As a person may write it. */
const struct schema *schema_of(enum object_kind kind);

/** As an API server hands it out, which may be newer than we are: only the spec
 *  of a NetworkPolicy is closed. */
const struct schema *schema_of_served(enum object_kind kind);

/** What any object is called. */
const struct schema *schema_of_names(void);

/** The field with this name; NULL: the table has none. */
const struct schema_field *schema_find(const struct schema *schema,
				       const char *name, size_t len);

/**
 * Check an object, which is a map, and report all that is wrong with it.
 *
 * null is accepted everywhere and means absent, or, as an item of a list, the
 * empty value (NP-1).
 *
 * @arena  for scratch memory
 *
 * Returns  0, also when something is wrong: report->n_errors tells; -ENOMEM.
 */
int schema_check(const struct schema *schema, const struct tree *object,
		 struct arena *arena, struct report *report);

#endif
