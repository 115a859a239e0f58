/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_RULE_LOOKUP_H
#define NETPOLD_POLICY_TABLE_RULE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/block_set.h"
#include "table/peer_set.h"

/**
 * What all policies of a pod allow in one direction, as a packet asks for it.
 *
 * For each protocol the ports are cut into intervals, at every port where some
 * rule begins or ends; each interval leads to the peers of the rules that hold
 * there. Where there are few intervals, each has the peers of all its rules.
 * Where there are many, they are the leaves of a segment tree: a rule for a
 * range of ports is in the few nodes that make the range up, and a look-up goes
 * from its leaf to the root. So the size is that of the rules, times a
 * logarithm, whatever the ranges are.
 *
 *	ports 80-90 from A, 85 from B, 443 from C
 *
 *	0      80   85   86   91     443  444
 *	│  –   │ A  │A B │ A  │  –   │ C  │  –
 *
 * Peers are few, or they are united: a node has at most a handful of sets to
 * look into, whatever number of rules it has.
 *
 * Names of ports belong to the destination (NP-45). For ingress that is the pod
 * whose rules these are, and names have become numbers here. For egress it is
 * the other end: its names for the port lead to the rules that use them.
 *
 * All of it is one piece of memory, small where the rules are few, so that it
 * can be fetched ahead.
 */

/** Whom a rule allows, or a part of them: a pointer, and in its last bits what
 *  it points to. What it points to begins with a pointer to what is read
 *  next. */
struct member {
	uintptr_t word;
};

enum member_kind {
	MEMBER_PEERS = 0, /* a struct peer_set */
	MEMBER_BLOCKS,	  /* a struct block_set */
	MEMBER_ANYONE,	  /* points to nothing of interest */
};
#define MEMBER_KIND_MASK ((uintptr_t)3)

/** A part of an array. */
struct span {
	uint32_t first, n;
};

/** Ports of one protocol. Places of arrays are bytes from the beginning of the
 *  look-up. */
struct port_table {
	uint32_t n;	  /* intervals; 0: no port is allowed to anybody */
	uint32_t starts;  /* uint16_t of each interval; the first is 0; at
			     least FEW_STARTS */
	uint32_t members; /* uint32_t: where those of each node begin in the
			     members, and of the last one end */
	uint32_t base;	  /* the node of interval 0; not 0: nodes have
			     parents, half their number, down to 1 */
};

/** Rules that name a port of the other end's. */
struct named_rules {
	const char *name; /* interned */
	struct span members;
	uint8_t protocol;
};

/* TCP, UDP, SCTP, and all that have no ports for policies (NP-77). */
#define N_PORT_PROTOCOLS 3

struct rule_lookup {
	struct port_table ports[N_PORT_PROTOCOLS];
	/* For packets without a port (NP-74), and other protocols (NP-70). */
	struct span portless[N_PORT_PROTOCOLS + 1];
	uint32_t members; /* where they are */
	uint32_t named;	  /* where they are; sorted by protocol and name */
	uint32_t n_named;
	const struct rule_table *table; /* what it is the look-up of */
	unsigned char data[] __attribute__((aligned(8)));
};

/** The end of a flow that peers are about. */
struct other_end {
	const struct ip_addr *addr;
	uint32_t identity;
	bool is_pod; /* identity holds (NP-34) */
};

/** What a look-up is asked. */
struct rule_query {
	struct other_end other;
	uint8_t protocol;
	bool has_port;
	uint16_t port;
	/* Named ports of the destination, where rules for egress name some. */
	const struct named_ports *names;
};

static inline const void *rule_lookup_at(const struct rule_lookup *lookup,
					 uint32_t place)
{
	return (const unsigned char *)lookup + place;
}

static inline enum member_kind member_kind(struct member member)
{
	return (enum member_kind)(member.word & MEMBER_KIND_MASK);
}

static inline const void *member_what(struct member member)
{
	return (const void *)(member.word & ~MEMBER_KIND_MASK);
}

/** The member that is anyone. */
struct member member_anyone(void);

/** Bring what a member points to, or what is read after that, into the
 *  cache. */
static inline void member_prefetch(struct member member)
{
	__builtin_prefetch(member_what(member));
}

static inline void member_prefetch_next(struct member member)
{
	/* Who compiles may be writing it. */
	const _Atomic(const void *) *next = member_what(member);

	__builtin_prefetch(atomic_load_explicit(next, memory_order_relaxed));
}

/** So many members can be read from where any span begins, also an empty one at
 *  the end. */
#define MEMBERS_AHEAD 2

static inline bool member_matches(struct member member,
				  const struct other_end *other)
{
	switch (member_kind(member)) {
	case MEMBER_PEERS:
		return other->is_pod &&
		       peer_set_has(member_what(member), other->identity);
	case MEMBER_BLOCKS:
		return block_set_has(member_what(member), other->addr);
	case MEMBER_ANYONE:
		return true;
	}
	return false;
}

/** Which port table a protocol has; N_PORT_PROTOCOLS: none. A table, since
 *  which protocol comes next is not to be predicted. */
static inline unsigned int port_protocol(uint8_t protocol)
{
	static const uint8_t below[UINT8_MAX + 1] = {
		[PROTOCOL_TCP] = 3,
		[PROTOCOL_UDP] = 2,
		[PROTOCOL_SCTP] = 1,
	};

	return N_PORT_PROTOCOLS - below[protocol];
}

/* Few starts are all compared at once; there are always so many, those behind
   the last interval being the highest port. */
#define FEW_STARTS 8

/** Which interval a port is in: the last that begins at or before it. */
static inline uint32_t find_interval(const struct rule_lookup *lookup,
				     const struct port_table *ports,
				     uint16_t port)
{
	const uint16_t *starts = rule_lookup_at(lookup, ports->starts);
	uint32_t low = 0, n = ports->n;

	if (n <= FEW_STARTS) {
		uint32_t begun = 0;

		for (int i = 0; i < FEW_STARTS; i++)
			begun += (uint32_t)(starts[i] <= port);
		return (begun < n ? begun : n) - 1;
	}
	while (n > 1) {
		uint32_t half = n / 2;

		low = starts[low + half] <= port ? low + half : low;
		n -= half;
	}
	return low;
}

static inline struct span node_members(const struct rule_lookup *lookup,
				       const struct port_table *ports,
				       uint32_t node)
{
	const uint32_t *firsts = rule_lookup_at(lookup, ports->members);

	return (struct span){ firsts[node], firsts[node + 1] - firsts[node] };
}

static inline const struct member *
rule_lookup_members(const struct rule_lookup *lookup)
{
	return rule_lookup_at(lookup, lookup->members);
}

/**
 * Where a query begins: the members of the one node that most queries need.
 *
 * @node  the node, where it has parents that have to be asked, too; else 0
 */
static inline struct span rule_lookup_begin(const struct rule_lookup *lookup,
					    const struct rule_query *query,
					    uint32_t *node)
{
	unsigned int protocol = port_protocol(query->protocol);
	const struct port_table *ports = &lookup->ports[protocol];
	uint32_t interval;

	*node = 0;
	if (protocol == N_PORT_PROTOCOLS || !query->has_port)
		return lookup->portless[protocol];
	if (ports->n == 0)
		return (struct span){ 0 };
	interval = find_interval(lookup, ports, query->port);
	*node = ports->base ? ports->base + interval : 0;
	return node_members(lookup, ports, ports->base + interval);
}

/** The rules for a name of the destination's, or NULL. */
const struct named_rules *rule_lookup_named(const struct rule_lookup *lookup,
					    const struct container_port *port);

/** What is left of a query when the members of its beginning have said no:
 *  nodes above, and names. */
bool rule_lookup_rest(const struct rule_lookup *lookup,
		      const struct rule_query *query, uint32_t node);

static inline bool any_member_matches(const struct member *members, uint32_t n,
				      const struct other_end *other)
{
	for (uint32_t i = 0; i < n; i++) {
		if (member_matches(members[i], other))
			return true;
	}
	return false;
}

/** The answer, from where rule_lookup_begin() has begun. */
static inline bool rule_lookup_finish(const struct rule_lookup *lookup,
				      const struct rule_query *query,
				      const struct member *members, uint32_t n,
				      uint32_t node)
{
	return any_member_matches(members, n, &query->other) ||
	       ((node || lookup->n_named) &&
		rule_lookup_rest(lookup, query, node));
}

/** Whether any rule allows it. Threads: any. */
static inline bool rule_lookup_allows(const struct rule_lookup *lookup,
				      const struct rule_query *query)
{
	uint32_t node;
	struct span span = rule_lookup_begin(lookup, query, &node);

	return rule_lookup_finish(lookup, query,
				  rule_lookup_members(lookup) + span.first,
				  span.n, node);
}

/** Bring what most queries read into the cache: the first three lines. */
static inline void rule_lookup_prefetch(const struct rule_lookup *lookup)
{
	for (size_t i = 0; i < 3; i++)
		__builtin_prefetch((const char *)lookup + i * 64);
}

#endif
