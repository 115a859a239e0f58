/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DECODE_POLICY_H
#define NETPOLD_DECODE_POLICY_H

#include "netpold/arena.h"
#include "netpold/object.h"
#include "tree.h"

/** The part of decode_object() for network policies; see there. */
int decode_policy(const struct tree *tree, struct arena *arena,
		  struct network_policy *out);

/** A map of labels, sorted by key. @map may be NULL. Returns 0 or -ENOMEM. */
int decode_labels(const struct tree *map, struct arena *arena,
		  struct labels *out);

/** metadata.namespace; "default" where it is absent, as for kubectl. */
const char *decode_namespace(const struct tree *metadata);

/** What an object's metadata say of its mode (NP-8). What they cannot say
 *  rightly counts as "enforce". */
enum policy_mode decode_mode(const struct tree *metadata);

#endif
