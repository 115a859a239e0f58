/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule_builder.h"

#include <errno.h>

#include "store/intern.h"

/* ---- grants ------------------------------------------------------------- */

static int add_grant(struct builder *b, struct grant grant)
{
	struct grant *grants =
		builder_room(b, b->grants, b->n_grants, &b->grants_capacity,
			     sizeof(*grants));

	if (!grants)
		return -ENOMEM;
	b->grants = grants;
	grants[b->n_grants++] = grant;
	return 0;
}

/* For ingress a name is the numbers that the pod has under it (NP-45). */
static int grant_name(struct builder *b, const struct policy_port *port,
		      uint32_t rule)
{
	int r = 0;

	if (b->table->dir == DIRECTION_EGRESS)
		return add_grant(b, (struct grant){ .name = port->name,
						    .protocol = port->protocol,
						    .rule = rule });
	for (size_t i = 0; i < b->names->n && r == 0; i++) {
		const struct container_port *p = &b->names->items[i];

		if (p->protocol == port->protocol && p->name == port->name)
			r = add_grant(b,
				      (struct grant){ .first = p->number,
						      .last = p->number,
						      .protocol = p->protocol,
						      .rule = rule });
	}
	return r;
}

static int grant_port(struct builder *b, const struct policy_port *port,
		      uint32_t rule)
{
	bool any = port->kind == PORT_ANY;

	if (port->kind == PORT_NAMED)
		return grant_name(b, port, rule);
	return add_grant(b,
			 (struct grant){ .first = any ? 0 : port->first,
					 .last = any ? UINT16_MAX : port->last,
					 .protocol = port->protocol,
					 .rule = rule });
}

/* NP-14, NP-15: every port of every protocol. */
static int grant_all(struct builder *b, uint32_t rule)
{
	static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP,
					     PROTOCOL_SCTP };
	int r = 0;

	for (size_t i = 0; i < N_PORT_PROTOCOLS && r == 0; i++)
		r = add_grant(b, (struct grant){ .last = UINT16_MAX,
						 .protocol = protocols[i],
						 .rule = rule });
	return r;
}

static int add_rule(struct builder *b, const struct network_policy *policy,
		    const struct rule *rule, struct rule_entry *entry)
{
	uint32_t number = (uint32_t)(entry - b->table->rules);
	int r = builder_add_peers(b, rule, policy->namespace, &entry->members);

	if (r == 0 && rule->n_ports == 0)
		r = grant_all(b, number);
	for (size_t i = 0; i < rule->n_ports && r == 0; i++)
		r = grant_port(b, &rule->ports[i], number);
	return r;
}

int builder_add_rules(struct builder *b)
{
	struct rule_table *t = b->table;
	struct rule_entry *entries;
	size_t n = 0;

	for (size_t i = 0; i < t->n_policies; i++)
		n += t->policies[i]->policy.n_rules[t->dir];
	entries = arena_array(b->arena, n, sizeof(*entries));
	if (!entries || n >= UINT32_MAX)
		return -ENOMEM;
	t->rules = entries;
	for (size_t i = 0; i < t->n_policies; i++) {
		const struct network_policy *policy = &t->policies[i]->policy;

		for (size_t k = 0; k < policy->n_rules[t->dir]; k++) {
			struct rule_entry *entry = &entries[t->n_rules++];
			int r;

			entry->policy = (uint32_t)i;
			entry->rule = (uint32_t)k;
			r = add_rule(b, policy, &policy->rules[t->dir][k],
				     entry);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
