/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_IDENTITY_INDEX_H
#define NETPOLD_POLICY_REACH_IDENTITY_INDEX_H

#include "reach/parts.h"

/** Pods by their identities in one snapshot. */
struct identity_index {
	uint32_t *first; /* of each identity, in pods; one more at the end */
	uint32_t *pods;
	uint32_t n; /* identities */
};

/** Lists go to @arena. 0 or -ENOMEM. */
int identity_index_make(struct arena *arena, const struct reach *reach,
			enum reach_view view, struct identity_index *out);

/** Called with the pods of one identity; there are some. */
typedef void (*identity_pods_fn)(void *ctx, const uint32_t *pods, size_t n);

/** The pods of each identity that is in a set of peers. */
void identity_index_each(const struct identity_index *index,
			 const struct peer_set *set, identity_pods_fn each,
			 void *ctx);

#endif
