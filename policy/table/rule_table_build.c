/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule_builder.h"

static int build_nodes(struct builder *b)
{
	int r = 0;

	for (unsigned int i = 0; i < N_PORT_PROTOCOLS && r == 0; i++)
		r = builder_build_ports(b, i);
	for (unsigned int i = 0; i <= N_PORT_PROTOCOLS && r == 0; i++)
		r = builder_build_portless(b, i);
	return r == 0 ? builder_build_names(b) : r;
}

bool policy_uses_names(const struct network_policy *policy, enum direction dir)
{
	for (size_t i = 0; i < policy->n_rules[dir]; i++) {
		const struct rule *rule = &policy->rules[dir][i];

		for (size_t k = 0; k < rule->n_ports; k++) {
			if (rule->ports[k].kind == PORT_NAMED)
				return true;
		}
	}
	return false;
}

int rule_table_build(struct parts *parts, struct rule_tables *tables,
		     const struct named_ports *names, struct rule_table *table)
{
	struct builder b = {
		.parts = parts,
		.tables = tables,
		.scratch = &tables->scratch,
		.names = names,
		.table = table,
		.arena = &table->arena,
	};
	int r = builder_add_rules(&b);

	if (r == 0)
		r = build_nodes(&b);
	if (r == 0)
		r = builder_keep(&b);
	return r == 0 ? builder_build_lookup(&b) : r;
}
