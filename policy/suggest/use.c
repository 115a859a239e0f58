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

/* The same, as one tells of it and as another does. */
static void keep_larger(struct suggest_use *use,
			const struct suggest_use *other)
{
	if (use->count < other->count)
		use->count = other->count;
	if (use->last_us < other->last_us)
		use->last_us = other->last_us;
}

static void add_captured(struct suggest_uses *uses, uint32_t capture,
			 const struct suggest_use *use)
{
	if (uses->capture != capture) {
		keep_larger(&uses->captured, &uses->last);
		uses->last = (struct suggest_use){ 0 };
		uses->capture = capture;
	}
	suggest_use_add(&uses->last, use);
}

void suggest_uses_add(struct suggest_uses *uses,
		      const struct suggest_flow *flow)
{
	const struct suggest_use use = { flow->count, flow->last_us };
	bool anywhere = !flow->told_at[DIRECTION_EGRESS] &&
			!flow->told_at[DIRECTION_INGRESS];

	if (flow->capture > 0) {
		add_captured(uses, flow->capture, &use);
		return;
	}
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (anywhere || flow->told_at[dir])
			suggest_use_add(&uses->told_at[dir], &use);
	}
}

void suggest_uses_join(struct suggest_uses *sum,
		       const struct suggest_uses *later)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		suggest_use_add(&sum->told_at[dir], &later->told_at[dir]);
	keep_larger(&sum->captured, &later->captured);
	if (later->capture > 0)
		add_captured(sum, later->capture, &later->last);
}

struct suggest_use suggest_use_of(const struct suggest_uses *uses)
{
	struct suggest_use use = uses->captured;

	keep_larger(&use, &uses->last);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		keep_larger(&use, &uses->told_at[dir]);
	return use;
}
