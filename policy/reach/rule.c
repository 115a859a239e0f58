/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reach/parts.h"
#include "table/rule_table_parts.h"

/* The class as the end of a flow that peers are about. */
static struct other_end end_of(const struct reach *reach, enum reach_view view,
			       uint32_t class)
{
	const struct reach_class *c = &reach->classes[class];
	uint32_t member = c->members[0];

	return (struct other_end){
		.addr = c->is_outside ? &reach->ranges[member].example
				      : &reach->pods.items[member].addrs[view],
		.identity = reach->views[view].classes[class].identity,
		.is_pod = !c->is_outside,
	};
}

static bool matches(const struct rule_table *table, struct span members,
		    const struct other_end *other)
{
	for (uint32_t i = 0; i < members.n; i++) {
		if (member_matches(table->members[members.first + i], other))
			return true;
	}
	return false;
}

int reach_each_rule(const struct reach *reach, enum reach_view view,
		    uint32_t class, enum direction dir, uint32_t other,
		    reach_rule_fn each, void *ctx)
{
	const struct rule_terms *rules =
		reach->views[view].classes[class].rules[dir];
	const struct other_end end = end_of(reach, view, other);
	const struct rule_table *table;
	int r = 0;

	if (!rules)
		return 0;
	table = rules->lookup->table;
	for (size_t i = 0; i < table->n_rules && r == 0; i++) {
		const struct rule_entry *rule = &table->rules[i];

		if (matches(table, rule->members, &end))
			r = each(ctx, &table->policies[rule->policy]->policy,
				 rule->rule);
	}
	return r;
}
