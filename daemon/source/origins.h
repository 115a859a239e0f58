/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_ORIGINS_H
#define NETPOLD_DAEMON_SOURCE_ORIGINS_H

#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/object.h"

/**
 * Where policies were written: the way back from a cluster, which does not
 * know, to a line in a file.
 *
 * Zero is the empty list. Fill it, sort it, ask it.
 */
struct origin {
	const char *namespace;
	const char *name;
	const char *file;
	const char *real; /* its one path; @file where it has none */
	unsigned int line;
};

struct origins {
	struct arena arena;
	struct origin *items;
	size_t n;
	size_t room;
	const char *file, *real; /* of the origin last added */
};

/** Copies all strings; a policy comes once. 0 or -ENOMEM. */
int origins_add(struct origins *origins, const struct network_policy *policy,
		const char *file, unsigned int line);

/** Once, after the last one was added. */
void origins_sort(struct origins *origins);

/** NULL when there is none. */
const struct origin *origins_find(const struct origins *origins,
				  const char *namespace, const char *name);

void origins_release(struct origins *origins);

#endif
