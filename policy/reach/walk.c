/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet goes from the interval of its port up to the root, where there is a
 * tree, and asks the members of each node. So a node's members hold for all
 * leaves below it. Leaves are the nodes from base to twice base; below a node
 * they are one row of numbers, or two where base is no power of two:
 *
 *	base 5		    1
 *			2	    3
 *		     4	   5	  6   7		leaves 5 … 9 are the
 *		   8  9				intervals 0 … 4
 */
#include "reach/walk.h"

struct walk {
	const struct rule_lookup *lookup;
	lookup_part_fn each;
	void *ctx;
};

static int visit_members(const struct walk *walk, struct span span,
			 struct slot_range slots,
			 const struct named_rules *name)
{
	const struct member *members =
		rule_lookup_members(walk->lookup) + span.first;

	for (uint32_t i = 0; i < span.n; i++) {
		const struct lookup_part part = { members[i], slots, name };
		int r = walk->each(walk->ctx, &part);

		if (r)
			return r;
	}
	return 0;
}

/* Slots of some intervals of a protocol's ports. */
static struct slot_range slots_of(const struct rule_lookup *lookup,
				  unsigned int protocol, uint32_t first,
				  uint32_t last)
{
	const struct port_table *ports = &lookup->ports[protocol];
	const uint16_t *starts = rule_lookup_at(lookup, ports->starts);
	uint32_t base = protocol * SLOT_UDP;

	return (struct slot_range){
		.first = base + starts[first],
		.last = base + (last + 1 < ports->n ? starts[last + 1] - 1u
						    : UINT16_MAX),
	};
}

static int visit_node(const struct walk *walk, unsigned int protocol,
		      uint32_t node)
{
	const struct port_table *ports = &walk->lookup->ports[protocol];
	struct span members = node_members(walk->lookup, ports, node);
	uint32_t base = ports->base, low = node, high = node;
	int r = 0;

	if (members.n == 0)
		return 0;
	while (r == 0 && low <= high) {
		uint32_t first = low < base ? base : low;

		if (high >= base)
			r = visit_members(walk, members,
					  slots_of(walk->lookup, protocol,
						   first - base, high - base),
					  NULL);
		/* What is no leaf yet, a level down. */
		if (base == 0 || low >= base)
			break;
		high = (high < base ? high : base - 1) * 2 + 1;
		low *= 2;
	}
	return r;
}

static int visit_ports(const struct walk *walk, unsigned int protocol)
{
	const struct port_table *ports = &walk->lookup->ports[protocol];
	uint32_t node = ports->base > 0, end = ports->base + ports->n;
	int r = 0;

	for (; node < end && ports->n > 0 && r == 0; node++)
		r = visit_node(walk, protocol, node);
	return r;
}

int lookup_walk(const struct rule_lookup *lookup, lookup_part_fn each,
		void *ctx)
{
	const struct walk walk = { lookup, each, ctx };
	const struct named_rules *named = rule_lookup_at(lookup, lookup->named);
	int r = 0;

	for (unsigned int i = 0; i < N_PORT_PROTOCOLS && r == 0; i++)
		r = visit_ports(&walk, i);
	for (uint32_t i = 0; i <= N_PORT_PROTOCOLS && r == 0; i++)
		r = visit_members(&walk, lookup->portless[i],
				  (struct slot_range){ SLOT_FRAGMENTS + i,
						       SLOT_FRAGMENTS + i },
				  NULL);
	for (uint32_t i = 0; i < lookup->n_named && r == 0; i++)
		r = visit_members(&walk, named[i].members,
				  (struct slot_range){ 0 }, &named[i]);
	return r;
}
