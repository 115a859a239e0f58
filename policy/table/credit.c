/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/snapshot.h"

#include "table/rule_lookup.h"
#include "table/rule_table.h"
#include "table/snapshot_parts.h"

/* All that isolate; none of them allows. */
static size_t credit_all(const struct rule_table *table,
			 const struct network_policy **out, size_t max)
{
	const struct object *const *objects;
	size_t n = rule_table_policies(table, &objects);

	for (size_t i = 0; i < n && i < max; i++)
		out[i] = &objects[i]->policy;
	return n;
}

size_t snapshot_credit(const struct snapshot *snapshot,
		       const struct flow_key *key, enum direction dir,
		       struct side *side, const struct network_policy **out,
		       size_t max)
{
	struct flow_ends ends = snapshot_ends(snapshot, key);
	const struct network_policy *policy = NULL;
	const struct rule_lookup *rules;
	struct rule_query query;
	size_t rule;

	*side = snapshot_side(snapshot, key, &ends, dir, &rules);
	if (!rules)
		return 0;
	if (side->reason == REASON_NO_RULE_MATCHES)
		return credit_all(rules->table, out, max);
	if (side->reason != REASON_RULE)
		return 0;
	query = snapshot_query(snapshot, rules, key,
			       snapshot_far_end(key, &ends, dir));
	if (!rule_table_find(rules->table, &query, &policy, &rule))
		return 0;
	if (max > 0)
		out[0] = policy;
	return 1;
}
