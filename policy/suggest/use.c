/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/suggest.h"

void suggest_use_add(struct suggest_use *sum, const struct suggest_use *use)
{
	sum->count = sum->count > UINT64_MAX - use->count
			     ? UINT64_MAX
			     : sum->count + use->count;
	if (sum->last_us < use->last_us)
		sum->last_us = use->last_us;
}

void suggest_uses_add(struct suggest_use uses[N_DIRECTIONS],
		      const struct suggest_flow *flow)
{
	const struct suggest_use use = { flow->count, flow->last_us };
	bool anywhere = !flow->told_at[DIRECTION_EGRESS] &&
			!flow->told_at[DIRECTION_INGRESS];

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (anywhere || flow->told_at[dir])
			suggest_use_add(&uses[dir], &use);
	}
}

struct suggest_use suggest_use_of(const struct suggest_use uses[N_DIRECTIONS])
{
	struct suggest_use use = uses[DIRECTION_EGRESS];
	const struct suggest_use *other = &uses[DIRECTION_INGRESS];

	if (use.count < other->count)
		use.count = other->count;
	if (use.last_us < other->last_us)
		use.last_us = other->last_us;
	return use;
}
