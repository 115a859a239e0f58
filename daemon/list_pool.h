/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_LIST_POOL_H
#define NETPOLD_DAEMON_LIST_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"

/**
 * Lists of numbers, each kept once and known by its place: the first one that
 * was asked for is 0. All-zero is empty.
 */
struct list_pool {
	struct arena arena;
	struct pooled_list {
		const uint32_t *items;
		uint32_t n;
		uint32_t next; /* in its bucket, + 1; 0: the end */
	} * lists;
	size_t n, capacity;
	uint32_t *buckets; /* a list, + 1 */
	size_t n_buckets;  /* a power of two */
};

/** The place of a list; 0 or -ENOMEM. */
int list_pool_get(struct list_pool *pool, const uint32_t *items, uint32_t n,
		  uint32_t *out);

void list_pool_release(struct list_pool *pool);

#endif
