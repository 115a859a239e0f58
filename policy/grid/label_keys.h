/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_GRID_LABEL_KEYS_H
#define NETPOLD_POLICY_GRID_LABEL_KEYS_H

#include <stdbool.h>

#include "netpold/arena.h"
#include "netpold/reach.h"

/** Keys of pods' labels that some selector asks about: of policies that
 *  isolate anybody, and of their peers. Sorted. */
struct label_keys {
	const char **items;
	size_t n, capacity;
};

/** Keys belong to the snapshots. 0 or -ENOMEM. */
int label_keys_list(struct arena *arena, const struct reach *reach,
		    size_t n_views, struct label_keys *out);

bool label_keys_has(const struct label_keys *keys, const char *key);

#endif
