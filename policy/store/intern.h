/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_INTERN_H
#define NETPOLD_POLICY_INTERN_H

#include <stddef.h>

/**
 * Strings, each kept once however often it is used.
 *
 * The objects of a cluster say the same few things over and over: label keys
 * and values, namespaces, node names. Users are counted; a string goes with its
 * last one. Two strings of one pool are equal exactly when their pointers are.
 *
 * An all-zero struct is an empty pool.
 */
struct intern_pool {
	struct interned **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_strings;
	size_t n_bytes; /* of text, zero bytes included */
};

/** One more user of a string; NULL without memory. "" is a string too. */
const char *intern(struct intern_pool *pool, const char *text);

/** One user less of a string that intern() has returned. NULL is fine. */
void intern_drop(struct intern_pool *pool, const char *text);

/** Give everything back, whoever still uses it. */
void intern_release(struct intern_pool *pool);

#endif
