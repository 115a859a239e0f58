/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DECODE_H
#define NETPOLD_DECODE_H

#include "netpold/arena.h"
#include "netpold/object.h"
#include "tree.h"

/**
 * From a tree to an object, with the defaults that the API server and kubectl
 * fill in (NP-1 … NP-7).
 *
 * Runs on a tree that schema_check() found in order. It need not have been
 * validated, because a server tolerates in stored objects what it refuses in
 * new ones (NP-25): a selector that makes no sense is kept, and matches
 * nothing.
 *
 * @arena  holds the object; its strings are those of the tree, so it must not
 *         outlive the tree either
 *
 * Returns  0; -EINVAL where a port, a protocol or a block has no meaning at
 *          all; -ENOMEM.
 */
int decode_object(enum object_kind kind, const struct tree *tree,
		  struct arena *arena, struct object *out);

#endif
