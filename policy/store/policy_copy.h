/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_STORE_POLICY_COPY_H
#define NETPOLD_POLICY_STORE_POLICY_COPY_H

#include <stddef.h>

#include "netpold/object.h"

#include "store/intern.h"

/**
 * Copies of network policies, and of selectors alone: lists into memory of the
 * caller's, as much as they need and not a byte more, strings into a pool.
 */

/** Bytes that the lists of a policy take. */
size_t policy_copy_size(const struct network_policy *policy);

/**
 * @memory  policy_copy_size() bytes, aligned for any type
 *
 * Returns  0; -ENOMEM where the pool has no memory, with nothing to be dropped.
 */
int policy_copy(struct intern_pool *pool, const struct network_policy *from,
		void *memory, struct network_policy *out);

/** Drop the strings of a copy. */
void policy_drop(struct intern_pool *pool, struct network_policy *copy);

/** The same for a selector. */
size_t selector_copy_size(const struct selector *selector);
int selector_copy(struct intern_pool *pool, const struct selector *from,
		  void *memory, struct selector *out);
void selector_drop(struct intern_pool *pool, struct selector *copy);

#endif
