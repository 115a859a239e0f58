/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_RULE_TABLE_PARTS_H
#define NETPOLD_POLICY_TABLE_RULE_TABLE_PARTS_H

#include "table/rule_table.h"

/**
 * What a rule table is made of. rule_table_build.c makes it, rule_table.c
 * explains it and keeps them all.
 */

/** One rule of one policy. */
struct rule_entry {
	uint32_t policy; /* place in policies */
	uint32_t rule;	 /* from 0, in the policy */
	struct span members;
};

struct rule_table {
	struct part part;
	struct rule_lookup *lookup;
	size_t lookup_size;

	/* the way back: the rules of each node, as spans of numbers, ascending;
	   and of each rule whom it allows */
	const struct span *node_rules[N_PORT_PROTOCOLS];
	struct span portless_rules[N_PORT_PROTOCOLS + 1];
	const struct span *named_rules;
	const uint32_t *numbers;
	const struct rule_entry *rules;
	size_t n_rules;
	const struct member *members;

	/* for who compiles */
	struct rule_table *next; /* in its bucket */
	size_t hash;
	size_t n_users;
	enum direction dir;
	const struct container_port *names; /* of the pod, where rules use
					       them; else NULL */
	const struct object **policies;	    /* each used; by name */
	size_t n_policies;
	struct peer_set **peers; /* each used */
	size_t n_peers;
	struct block_set **blocks; /* each used */
	size_t n_blocks;
	struct arena arena; /* of all lists above */
};

/**
 * Fill a table in from its policies.
 *
 * @names  the pod's ports
 *
 * Returns  0; -ENOMEM: what is in peers and blocks is the caller's to drop.
 */
int rule_table_build(struct parts *parts, struct rule_tables *tables,
		     const struct named_ports *names, struct rule_table *table);

/** Whether rules of a policy use names of the pod's own ports. */
bool policy_uses_names(const struct network_policy *policy, enum direction dir);

#endif
