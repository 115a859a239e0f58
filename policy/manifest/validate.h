/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_VALIDATE_H
#define NETPOLD_VALIDATE_H

#include <stdbool.h>

#include "netpold/object.h"
#include "report.h"
#include "tree.h"

/**
 * Whether the values in an object are such as the API server lets in.
 *
 * Runs on a tree that schema_check() found in order. NetworkPolicies are
 * checked to the letter and in the order of the server (AV-20 … AV-61). Of the
 * other kinds, which hardly anybody writes by hand, only what would make the
 * decoder fail or guess.
 */
struct validation {
	struct report *report;
	struct arena *scratch;
	bool strict; /* odd forms of CIDRs are errors (AV-57) */
};

/** Returns 0, also when something is wrong: the report tells; -ENOMEM. */
int validate_object(const struct validation *validation, enum object_kind kind,
		    const struct tree *object);

/* ---- parts, one file each ----------------------------------------------- */

/** AV-20 … AV-28. Returns 0 or -ENOMEM. */
int validate_metadata(const struct validation *validation,
		      const struct tree *object);

/** The annotation of a policy or of a namespace that says its mode (NP-8). */
void validate_mode(const struct validation *validation,
		   const struct tree *object);

/** AV-40 … AV-45. @selector may be NULL. Returns 0 or -ENOMEM. */
int validate_selector(const struct validation *validation,
		      const struct tree *selector, const struct path *path);

/** AV-30 … AV-38 of a map of labels, which may be NULL. Returns 0 or
 *  -ENOMEM. */
int validate_labels(const struct validation *validation,
		    const struct tree *labels, const struct path *path);

/** AV-52 … AV-59. */
void validate_ip_block(const struct validation *validation,
		       const struct tree *block, const struct path *path);

/** AV-40 … AV-61. Returns 0 or -ENOMEM. */
int validate_policy_spec(const struct validation *validation,
			 const struct tree *policy);

#endif
