/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_RULE_TABLE_PARTS_H
#define NETPOLD_POLICY_TABLE_RULE_TABLE_PARTS_H

#include "table/rule_table.h"

/**
 * What a rule table is made of. rule_table_build.c makes it, rule_table.c asks
 * it and keeps them all.
 */

/** Whom a rule allows, or a part of them: a pointer, and in its last bits what
 *  it points to. */
struct member {
	uintptr_t word;
};

enum member_kind {
	MEMBER_PEERS = 0, /* a struct peer_set */
	MEMBER_BLOCKS,	  /* a struct block_set */
	MEMBER_ANYONE,	  /* points to nothing */
};
#define MEMBER_KIND_MASK ((uintptr_t)3)

static inline enum member_kind member_kind(struct member member)
{
	return (enum member_kind)(member.word & MEMBER_KIND_MASK);
}

static inline const void *member_what(struct member member)
{
	return (const void *)(member.word & ~MEMBER_KIND_MASK);
}

/** A part of an array. */
struct span {
	uint32_t first, n;
};

/** Where a look-up arrives: whom it allows, and the rules that say so. */
struct rule_node {
	struct span members;
	struct span rules; /* numbers of rules, ascending */
};

struct port_table {
	const uint16_t *starts; /* of the intervals; the first is 0 */
	uint32_t n;    /* intervals; 0: no port is allowed to anybody */
	uint32_t base; /* the node of interval 0 */
	bool is_tree;  /* nodes have parents: half their number */
	const struct rule_node *nodes;
};

/** Rules that name a port of the other end's. */
struct named_rules {
	const char *name; /* interned */
	uint8_t protocol;
	struct rule_node node;
};

/** One rule of one policy. */
struct rule_entry {
	uint32_t policy; /* place in policies */
	uint32_t rule;	 /* from 0, in the policy */
	struct span members;
};

/* TCP, UDP, SCTP, and all that have no ports for policies (NP-77). */
#define N_PORT_PROTOCOLS 3

struct rule_table {
	struct part part;
	struct port_table ports[N_PORT_PROTOCOLS];
	/* For packets without a port (NP-74), and other protocols (NP-70). */
	struct rule_node portless[N_PORT_PROTOCOLS + 1];
	const struct member *members;
	const struct named_rules *named; /* sorted by protocol and name */
	size_t n_named;

	/* to explain */
	const uint32_t *rule_numbers; /* what rules of nodes point into */
	const struct rule_entry *rules;
	size_t n_rules;

	/* for who compiles */
	struct rule_table *next; /* in its bucket */
	size_t hash;
	size_t n_users;
	enum direction dir;
	const struct container_port *names; /* of the pod, where rules use
					       them; else NULL */
	const struct object **policies;	    /* each used; by name */
	size_t n_policies;
	struct peer_set **sets; /* each used */
	size_t n_sets;
	struct arena arena; /* of all lists above */
};

static inline unsigned int port_protocol(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return 0;
	case PROTOCOL_UDP:
		return 1;
	case PROTOCOL_SCTP:
		return 2;
	}
	return N_PORT_PROTOCOLS;
}

/**
 * Fill a table in from its policies.
 *
 * @names  the pod's ports
 *
 * Returns  0; -ENOMEM: what is in sets is the caller's to drop.
 */
int rule_table_build(struct parts *parts, struct rule_tables *tables,
		     const struct named_ports *names, struct rule_table *table);

/** Whether rules of a policy use names of the pod's own ports. */
bool policy_uses_names(const struct network_policy *policy, enum direction dir);

#endif
