/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reach/identity_index.h"

#include <errno.h>

#include "table/snapshot_parts.h"

int identity_index_make(struct arena *arena, const struct reach *reach,
			enum reach_view view, struct identity_index *out)
{
	const uint32_t *identities = reach->pods.identities[view];
	const struct identity_views *views = reach->views[view].snapshot->views;
	struct identity_index index = {
		.n = (uint32_t)(views ? views->n : 0) * IDENTITY_BLOCK,
	};
	uint32_t *at;

	index.first = arena_array(arena, index.n + 1, sizeof(uint32_t));
	index.pods = arena_array(arena, reach->pods.n, sizeof(uint32_t));
	at = arena_array(arena, index.n + 1, sizeof(uint32_t));
	if (!index.first || !index.pods || !at)
		return -ENOMEM;
	for (size_t i = 0; i < reach->pods.n; i++)
		index.first[identities[i] + 1]++;
	for (uint32_t i = 0; i < index.n; i++) {
		index.first[i + 1] += index.first[i];
		at[i] = index.first[i];
	}
	for (size_t i = 0; i < reach->pods.n; i++)
		index.pods[at[identities[i]]++] = (uint32_t)i;
	*out = index;
	return 0;
}

static void visit(const struct identity_index *index, uint32_t identity,
		  identity_pods_fn each, void *ctx)
{
	uint32_t first = index->first[identity];
	uint32_t end = index->first[identity + 1];

	if (first < end)
		each(ctx, index->pods + first, end - first);
}

void identity_index_each(const struct identity_index *index,
			 const struct peer_set *set, identity_pods_fn each,
			 void *ctx)
{
	const struct peer_bits *bits =
		atomic_load_explicit(&set->bits, memory_order_acquire);

	for (uint32_t i = 0; i < bits->n; i++) {
		uint64_t word = atomic_load_explicit(&bits->words[i],
						     memory_order_relaxed);

		for (; word; word &= word - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(word);
			uint32_t identity = (bits->first + i) * 64 + bit;

			/* One that is newer than the snapshot has no pods. */
			if (identity < index->n)
				visit(index, identity, each, ctx);
		}
	}
}
