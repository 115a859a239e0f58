/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_SIDES_H
#define NETPOLD_DAEMON_COMMAND_DIFF_SIDES_H

#include "netpold/arena.h"
#include "netpold/grid.h"
#include "source/offline.h"

/** Kinds that are told of when one side alone has them. */
enum diff_kind {
	DIFF_PODS = 0,
	DIFF_ADDRESSES, /* of pods that both have, and their family */
	DIFF_NAMESPACES,
	DIFF_POLICIES,
};
#define N_DIFF_KINDS 4

/** "pods", "addresses", "namespaces", "policies". */
const char *diff_kind_name(enum diff_kind kind);

/** Names, NAMESPACE/NAME where there is one; sorted. Of addresses the pod and
 *  the family: "shop/web-0 IPv6". */
struct diff_names {
	const char **items;
	size_t n;
};

/**
 * What one of two worlds alone has. Of pods, those with an address and without
 * a counterpart: neither of the same name nor of the same owner.
 */
struct diff_sides {
	struct diff_names only[REACH_MAX_VIEWS][N_DIFF_KINDS];
	size_t n_compared; /* pods that both have */
	size_t n_renamed;  /* those that found each other by their owner */
	struct arena arena;
};

/** Returns 0 or -ENOMEM; to be released in either case. */
int diff_sides_find(const struct offline worlds[REACH_MAX_VIEWS],
		    const struct grid *grid, struct diff_sides *out);
void diff_sides_release(struct diff_sides *sides);

#endif
