/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule_lookup.h"

#include "store/intern.h"

struct member member_anyone(void)
{
	static const void *const nothing[] = { nothing };

	return (struct member){ (uintptr_t)nothing | MEMBER_ANYONE };
}

const struct named_rules *rule_lookup_named(const struct rule_lookup *lookup,
					    const struct container_port *port)
{
	const struct named_rules *named = rule_lookup_at(lookup, lookup->named);
	uint32_t low = 0, high = lookup->n_named;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct named_rules *n = &named[middle];

		if (n->protocol == port->protocol && n->name == port->name)
			return n;
		if (n->protocol < port->protocol ||
		    (n->protocol == port->protocol &&
		     (uintptr_t)n->name < (uintptr_t)port->name))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool span_matches(const struct rule_lookup *lookup, struct span span,
			 const struct other_end *other)
{
	return any_member_matches(rule_lookup_members(lookup) + span.first,
				  span.n, other);
}

/* The destination's names for the port (NP-45). */
static bool any_name_allows(const struct rule_lookup *lookup,
			    const struct rule_query *query)
{
	const struct named_ports *names = query->names;

	for (size_t i = 0; names && i < names->n; i++) {
		const struct container_port *p = &names->items[i];
		const struct named_rules *named;

		if (p->number != query->port || p->protocol != query->protocol)
			continue;
		named = rule_lookup_named(lookup, p);
		if (named &&
		    span_matches(lookup, named->members, &query->other))
			return true;
	}
	return false;
}

bool rule_lookup_rest(const struct rule_lookup *lookup,
		      const struct rule_query *query, uint32_t node)
{
	const struct port_table *ports =
		&lookup->ports[port_protocol(query->protocol)];

	while ((node /= 2) > 0) {
		if (span_matches(lookup, node_members(lookup, ports, node),
				 &query->other))
			return true;
	}
	return query->has_port && lookup->n_named > 0 &&
	       any_name_allows(lookup, query);
}
