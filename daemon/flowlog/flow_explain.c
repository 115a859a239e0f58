/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_explain.h"

#include <stdbool.h>

static bool decisions_equal(const struct decision *a, const struct decision *b)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		if (a->sides[dir].verdict != b->sides[dir].verdict ||
		    a->sides[dir].reason != b->sides[dir].reason)
			return false;
	return a->verdict == b->verdict;
}

static const struct pod *pod_of(const struct snapshot *snapshot,
				const struct ip_addr *addr)
{
	return snapshot && addr->family
		       ? snapshot_pod_by_address(snapshot, addr)
		       : NULL;
}

void flow_explain_only(const struct snapshot *snapshot,
		       const struct flow_key *key,
		       const struct decision *decision, struct explanation *out)
{
	*out = (struct explanation){ .decision = *decision };
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		out->sides[dir].side = decision->sides[dir];
	out->sides[DIRECTION_EGRESS].pod = pod_of(snapshot, &key->src);
	out->sides[DIRECTION_INGRESS].pod = pod_of(snapshot, &key->dst);
}

int flow_explain(const struct snapshot *snapshot, const struct flow_key *key,
		 const struct decision *decision,
		 const struct explain_bound *bound, struct arena *scratch,
		 struct explanation *out)
{
	int r = 0;

	if (snapshot)
		r = snapshot_explain_some(snapshot, key, bound, scratch, out);
	if (r < 0)
		return r;
	if (snapshot && decisions_equal(&out->decision, decision))
		return 1;
	flow_explain_only(snapshot, key, decision, out);
	return 0;
}
