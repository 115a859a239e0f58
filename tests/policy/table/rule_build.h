/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_TABLE_RULE_BUILD_H
#define NETPOLD_TESTS_POLICY_TABLE_RULE_BUILD_H

#include "netpold/selector.h"

#include "table/rule.h"
#include "table/rule_table.h"
#include "table/rule_table_parts.h"

#include "parts_build.h"
#include "random_objects.h"

/*
 * Rule tables without a table around them: some pods that may be at the other
 * end of a flow, each an identity of its own, and one whose rules are asked.
 * The twin asks policy/table/rule.h about each rule of each policy.
 */
static struct peer_sets peer_sets;
static struct block_sets block_sets;
static struct rule_tables rule_tables;

/* ---- both ends ---------------------------------------------------------- */

#define N_OTHERS 40

struct other {
	const struct object *pod; /* NULL: no pod has this address */
	struct namespace_facts facts;
	struct ip_addr addr;
	uint32_t identity;
};

static struct other others[N_OTHERS];
static const struct object *own_pod;

/* Two names for one number, one name for two numbers, the same number of two
   protocols. */
static inline struct object with_named_ports(struct random *random,
					     struct object pod)
{
	static const struct container_port ports[] = {
		{ "http", 3, PROTOCOL_TCP },   { "admin", 3, PROTOCOL_TCP },
		{ "http", 7, PROTOCOL_TCP },   { "dns", 3, PROTOCOL_UDP },
		{ "http", 5, PROTOCOL_SCTP },  { "dns", 65535, PROTOCOL_TCP },
		{ "admin", 0, PROTOCOL_TCP },  { "admin", 9, PROTOCOL_UDP },
		{ "other", 3, PROTOCOL_TCP },  { "dns", 5, PROTOCOL_TCP },
		{ "dns", 1000, PROTOCOL_TCP },
	};

	for (size_t i = 0; i < N_OF(ports); i++) {
		if (random_percent(random, 40))
			pod = with_port(pod, ports[i].name, ports[i].protocol,
					ports[i].number);
	}
	return pod;
}

static inline struct namespace_facts random_facts(struct random *random,
						  const char *name)
{
	struct namespace_facts facts = {
		.name = intern(the_parts.pool, name),
		.known = random_percent(random, 75),
	};
	const struct label label = { NAMESPACE_NAME_LABEL, name };
	struct labels labels = { &label, 1 };

	if (facts.known)
		labels = random_namespace_labels(random, &build_arena, name);
	facts.labels = keep_labels(&labels);
	return facts;
}

/* Three of four are pods; numbers of identities are far between. */
static inline void make_others(struct random *random)
{
	static const char *const names[] = { "shop", "far", "lost", "other" };

	for (size_t i = 0; i < N_OTHERS; i++) {
		struct other *other = &others[i];
		const char *namespace = random_pick(random, names);
		struct object pod = a_pod(namespace, "p", "", "");

		*other = (struct other){
			.addr = random_address(
				random,
				random_percent(random, 60) ? IP_V4 : IP_V6),
			.facts = random_facts(random, namespace),
			.identity = (uint32_t)(i * 29),
		};
		if (i % 4 == 3)
			continue;
		pod.pod.labels = random_labels(random, &build_arena);
		other->pod = keep_object(with_named_ports(random, pod));
	}
	own_pod = keep_object(
		with_named_ports(random, a_pod("shop", "own", "", "")));
}

static inline void drop_others(void)
{
	for (size_t i = 0; i < N_OTHERS; i++) {
		drop_object(others[i].pod);
		intern_drop(the_parts.pool, others[i].facts.name);
		intern_labels_drop(the_parts.pool, &others[i].facts.labels);
	}
	drop_object(own_pod);
}

/* ---- tables ------------------------------------------------------------- */

/* A fill_set_fn. */
static inline int fill_set(void *ctx, struct peer_set *set)
{
	uint64_t words[N_OTHERS * 29 / 64 + 1] = { 0 };

	(void)ctx;
	for (size_t i = 0; i < N_OTHERS; i++) {
		const struct other *o = &others[i];

		if (o->pod &&
		    peer_set_matches(set, &o->facts, &o->pod->pod.labels))
			words[o->identity / 64] |= UINT64_C(1)
						   << o->identity % 64;
	}
	return peer_set_fill(&the_parts, set, words, N_OF(words));
}

static inline int make_tables(void **state)
{
	peer_sets = (struct peer_sets){ 0 };
	block_sets = (struct block_sets){ 0 };
	rule_tables = (struct rule_tables){ .peers = &peer_sets,
					    .blocks = &block_sets,
					    .fill = fill_set };
	return make_parts(state);
}

static inline int free_tables(void **state)
{
	assert_int_equal(0, rule_tables.n);
	assert_int_equal(0, peer_sets.n_sets);
	assert_int_equal(0, block_sets.n);
	rule_tables_release(&the_parts, &rule_tables);
	peer_sets_release(&the_parts, &peer_sets);
	block_sets_release(&the_parts, &block_sets);
	return free_parts(state);
}

static inline struct named_ports ports_of(const struct object *pod)
{
	return (struct named_ports){ pod->pod.ports, pod->pod.n_ports };
}

static inline struct rule_table *
get_table(enum direction dir, const struct object *const *policies, size_t n)
{
	struct named_ports ports = ports_of(own_pod);
	struct rule_table *table = rule_tables_get(&the_parts, &rule_tables,
						   dir, policies, n, &ports);

	assert_non_null(table);
	return table;
}

static inline void drop_table(struct rule_table *table)
{
	rule_tables_drop(&the_parts, &rule_tables, table);
}

/* ---- the twin ----------------------------------------------------------- */

/* The first rule that misses nothing, in the order of policies and rules. */
static inline bool find_rule(const struct rule_table *table,
			     const struct flow_key *key,
			     const struct other *other,
			     const struct network_policy **policy, size_t *rule)
{
	struct rule_question question = {
		.key = key,
		.other.addr = other->addr,
		.other.pod = other->pod ? &other->pod->pod : NULL,
		.other.namespace_labels =
			other->facts.known ? &other->facts.labels : NULL,
		.port_pod =
			table->dir == DIRECTION_INGRESS ? &own_pod->pod : NULL,
	};

	if (table->dir == DIRECTION_EGRESS && other->pod)
		question.port_pod = &other->pod->pod;
	for (size_t i = 0; i < table->n_policies; i++) {
		const struct network_policy *p = &table->policies[i]->policy;

		question.policy_namespace = p->namespace;
		for (size_t k = 0; k < p->n_rules[table->dir]; k++) {
			if (rule_misses(&p->rules[table->dir][k], &question,
					NULL))
				continue;
			*policy = p;
			*rule = k;
			return true;
		}
	}
	return false;
}

static inline void compare_answer(const struct rule_table *table,
				  const struct flow_key *key,
				  const struct other *other)
{
	struct named_ports names = { 0 };
	struct rule_query query = {
		.other = { &other->addr, other->identity, other->pod != NULL },
		.protocol = key->protocol,
		.has_port = key->has_port,
		.port = key->dst_port,
	};
	const struct network_policy *policy = NULL, *found = NULL;
	size_t rule = 0, found_rule = 0;
	bool expected = find_rule(table, key, other, &policy, &rule);
	char text[IP_ADDR_TEXT_LEN];

	if (other->pod) {
		names = ports_of(other->pod);
		query.names = &names;
	}
	if (rule_lookup_allows(rule_table_lookup(table), &query) != expected)
		fail_msg("%s, protocol %u, port %d, %s: expected %d",
			 direction_name(table->dir), key->protocol,
			 key->has_port ? key->dst_port : -1,
			 ip_addr_format(&other->addr, text), expected);
	assert_int_equal(expected,
			 rule_table_find(table, &query, &found, &found_rule));
	if (expected && (found != policy || found_rule != rule))
		fail_msg("%s, protocol %u, port %d: expected %s/%zu, "
			 "got %s/%zu",
			 direction_name(table->dir), key->protocol,
			 key->has_port ? key->dst_port : -1, policy->name, rule,
			 found->name, found_rule);
}

/* ---- what to ask -------------------------------------------------------- */

/* Where answers can change, and those next to it. */
struct edges {
	bool is_edge[UINT16_MAX + 1];
};

static inline void add_edge(struct edges *edges, int port)
{
	for (int i = port - 1; i <= port + 1; i++) {
		if (i >= 0 && i <= UINT16_MAX)
			edges->is_edge[i] = true;
	}
}

static inline void add_edges(struct edges *edges, const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (rule->ports[i].kind != PORT_RANGE)
			continue;
		add_edge(edges, rule->ports[i].first);
		add_edge(edges, rule->ports[i].last);
	}
}

static inline void find_edges(struct edges *edges,
			      const struct rule_table *table)
{
	memset(edges, 0, sizeof(*edges));
	add_edge(edges, 0);
	add_edge(edges, 80);
	add_edge(edges, UINT16_MAX);
	for (size_t i = 0; i < own_pod->pod.n_ports; i++)
		add_edge(edges, own_pod->pod.ports[i].number);
	for (size_t i = 0; i < table->n_policies; i++) {
		const struct network_policy *p = &table->policies[i]->policy;

		for (size_t k = 0; k < p->n_rules[table->dir]; k++)
			add_edges(edges, &p->rules[table->dir][k]);
	}
}

/* So many edges of a hundred, for every protocol, from some of the others. */
static inline void compare_edges(struct random *random,
				 const struct rule_table *table,
				 unsigned int percent, size_t n_others)
{
	static const uint8_t protocols[] = {
		PROTOCOL_TCP,  PROTOCOL_UDP, PROTOCOL_SCTP,
		PROTOCOL_ICMP, 136,	     0,
	};
	static struct edges edges;

	find_edges(&edges, table);
	for (int port = -1; port <= UINT16_MAX; port++) {
		if (port >= 0 &&
		    (!edges.is_edge[port] || !random_percent(random, percent)))
			continue;
		for (size_t i = 0; i < N_OF(protocols) * n_others; i++) {
			struct flow_key key = {
				.protocol = protocols[i % N_OF(protocols)],
				.has_port = port >= 0,
				.dst_port = (uint16_t)(port >= 0 ? port : 0),
			};

			compare_answer(table, &key,
				       &random_pick(random, others));
		}
	}
}

static inline void compare_table(struct random *random,
				 const struct rule_table *table,
				 size_t n_others)
{
	compare_edges(random, table, 100, n_others);
}

#endif
