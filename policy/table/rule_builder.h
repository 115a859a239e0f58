/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_RULE_BUILDER_H
#define NETPOLD_POLICY_TABLE_RULE_BUILDER_H

#include "table/rule_table_parts.h"

/**
 * A rule table while it is made, in three steps:
 *
 *	rules	whom each rule of each policy allows: a few members
 *		(rule_member.c), and for which ports: a range of a protocol's,
 *		or a name (rule_grant.c)
 *	nodes	where in the look-up each grant belongs; of each node its
 *		rules, and their members together (rule_node.c)
 *	layout	all of it in one piece (rule_layout.c)
 *
 * A rule with many peers is united before it is spread over the nodes, so that
 * a rule for many ports and many peers costs their sum, not their product.
 *
 * Functions return 0 or -ENOMEM.
 */

/** A rule for some ports: first to last of a protocol, or a name. */
struct grant {
	const char *name; /* NULL: first to last */
	uint16_t first, last;
	uint8_t protocol;
	uint32_t rule;
};

struct builder {
	struct parts *parts;
	struct rule_tables *tables;
	struct arena *scratch;
	const struct named_ports *names;
	struct rule_table *table;
	struct arena *arena; /* the table's */

	struct grant *grants;
	size_t n_grants, grants_capacity;
	struct member *members; /* of rules; at the end, of a node in work */
	size_t n_members, members_capacity;
	uint32_t *numbers; /* of rules, for the nodes */
	size_t n_numbers, numbers_capacity;
	size_t peers_capacity, blocks_capacity;

	/* of the look-up */
	struct member *hot; /* members, node by node */
	size_t n_hot, hot_capacity;
	struct {
		uint16_t *starts; /* of intervals */
		uint32_t *firsts; /* of the nodes' members */
		uint32_t n, base, n_nodes;
	} ports[N_PORT_PROTOCOLS];
	struct span portless[N_PORT_PROTOCOLS + 1];
	struct named_rules *named;
	size_t n_named;
};

/* ---- rule_member.c ------------------------------------------------------ */

/** Room for one more item in an array of the scratch arena; NULL without
 *  memory. */
void *builder_room(struct builder *b, void *items, size_t n, size_t *capacity,
		   size_t size);

int builder_add_member(struct builder *b, const void *what,
		       enum member_kind kind);

/** Make the members from @first on a span: each once, and united where they are
 *  many. */
int builder_close_span(struct builder *b, size_t first, struct span *out);

/** Whom a rule allows. */
int builder_add_peers(struct builder *b, const struct rule *rule,
		      const char *namespace, struct span *out);

/* ---- rule_grant.c ------------------------------------------------------- */

/** All rules of all policies, and their grants. */
int builder_add_rules(struct builder *b);

/* ---- rule_node.c -------------------------------------------------------- */

/** The nodes of a protocol's ports. */
int builder_build_ports(struct builder *b, unsigned int protocol);

/** The node of all rules for a protocol's packets that have no port. */
int builder_build_portless(struct builder *b, unsigned int protocol);

/** The nodes of names. */
int builder_build_names(struct builder *b);

/* ---- rule_layout.c ------------------------------------------------------ */

/** Move what has grown in the scratch arena to the table. */
int builder_keep(struct builder *b);

/** Lay the look-up out. */
int builder_build_lookup(struct builder *b);

#endif
