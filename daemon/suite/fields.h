/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_FIELDS_H
#define NETPOLD_DAEMON_SUITE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "suite/node.h"
#include "suite/suite.h"

/**
 * What the readers of a suite's parts share: the fields of a map, by name, each
 * of the type that it has to be.
 *
 * All return 0, -EINVAL with a message that names the place, or -ENOMEM.
 */

/** A value, and how it is called: "cases[0].flows". */
struct field {
	const struct suite_node *node; /* NULL: it is not there */
	const char *path;
	unsigned int line; /* its own, or that of what lacks it */
};

/** A map, and nothing but these fields in it. @names ends in NULL. */
int field_check_map(const struct suite *suite, const struct field *map,
		    const char *const *names, struct err *err);

/** Find a field; @out->node is NULL where it is not there. */
int field_get(struct suite *suite, const struct field *map, const char *name,
	      struct field *out, struct err *err);

/** The same; that it is not there is wrong. */
int field_need(struct suite *suite, const struct field *map, const char *name,
	       struct field *out, struct err *err);

/** An item of a list: "pods[2]". @node: the item. */
int field_item(struct suite *suite, const struct field *list, size_t i,
	       const struct suite_node *node, struct field *out,
	       struct err *err);

/** A list that is there, or an absent one, with no more than @max items. */
int field_check_list(const struct suite *suite, const struct field *list,
		     size_t max, struct err *err);

/** A text that is on one line, not empty, and fit for a terminal. */
int field_text(const struct suite *suite, const struct field *field,
	       const char **out, struct err *err);

/** "allow" or "deny". */
int field_verdict(const struct suite *suite, const struct field *field,
		  enum verdict *out, struct err *err);

/** Anything but true and false is wrong; absent is false. */
int field_bool(const struct suite *suite, const struct field *field, bool *out,
	       struct err *err);

/** Who opens a flow or is reached: NAMESPACE/POD or an address; by its form. */
int field_end(const struct suite *suite, const struct field *field,
	      const char **out, struct err *err);

/** The fields "port" and "protocol" of a map. */
int field_port(struct suite *suite, const struct field *map,
	       struct flow_words *words, struct err *err);

/** No memory. Returns -ENOMEM. */
int field_no_memory(const struct suite *suite, struct err *err);

/** What a path in a suite means to who reads it: it is taken from the folder of
 *  the suite. */
int field_path(struct suite *suite, const struct field *field, const char **out,
	       struct err *err);

/* ---- kinds of cases, one file each --------------------------------------- */

/** @field  "flows", "matrix" or "pcap" of the case */

int flow_case_read(struct suite *suite, const struct field *field,
		   struct suite_case *out, struct err *err);
int matrix_case_read(struct suite *suite, const struct field *field,
		     struct suite_case *out, struct err *err);
int pcap_case_read(struct suite *suite, const struct field *field,
		   struct suite_case *out, struct err *err);

#endif
