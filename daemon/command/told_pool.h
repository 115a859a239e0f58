/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_TOLD_POOL_H
#define NETPOLD_DAEMON_COMMAND_TOLD_POOL_H

#include <stddef.h>

/**
 * Places of one size, as many as there are flows: each is given out when a flow
 * is opened and comes back when it is over. They lie side by side in large
 * pieces of memory, which stay until the end.
 *
 * All zero but for @size is empty. Threads: one at a time.
 */
struct told_pool {
	size_t size; /* of a place, in bytes: what pointers are aligned to */
	/* Its own. */
	void *unused; /* a list of those that came back */
	void *pieces; /* a list */
	char *next;   /* never given out so far, up to end */
	char *end;
};

/** A place that is all zero, or NULL without memory. */
void *told_pool_take(struct told_pool *pool);

void told_pool_give(struct told_pool *pool, void *place);

/** All places are void. */
void told_pool_release(struct told_pool *pool);

#endif
