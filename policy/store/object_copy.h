/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_OBJECT_COPY_H
#define NETPOLD_POLICY_OBJECT_COPY_H

#include "netpold/arena.h"
#include "netpold/object.h"

/**
 * Deep copies of objects. On failure what was copied so far goes with the
 * arena, and @out must not be used.
 */

/** Copy @from into @arena, strings and lists included. 0 or -ENOMEM. */
int object_copy(struct arena *arena, const struct object *from,
		struct object *out);

/** Where a string of a copy comes from; NULL: there is no memory. */
typedef const char *(*copy_string_fn)(void *ctx, const char *text);

/** Copy lists into @arena, and get each string from @string. */
int object_copy_with(struct arena *arena, const struct object *from,
		     copy_string_fn string, void *ctx, struct object *out);

int pod_copy(struct arena *arena, const struct pod *from, struct pod *out);
int labels_copy(struct arena *arena, const struct labels *from,
		struct labels *out);
int policy_copy(struct arena *arena, const struct network_policy *from,
		struct network_policy *out);

#endif
