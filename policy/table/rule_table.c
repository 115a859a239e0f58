/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule_table.h"

#include <errno.h>
#include <string.h>

#include "budget.h"
#include "cover.h"
#include "store/record.h"
#include "table/rule_table_parts.h"

#define FIRST_BUCKETS 64

/* ---- explaining --------------------------------------------------------- */

const struct rule_lookup *rule_table_lookup(const struct rule_table *table)
{
	return table->lookup;
}

struct search {
	const struct rule_table *table;
	const struct rule_query *query;
	uint32_t found; /* n_rules: none yet */
};

static bool allows(const struct rule_table *table, struct span members,
		   const struct other_end *other)
{
	for (uint32_t i = 0; i < members.n; i++) {
		if (member_matches(table->members[members.first + i], other))
			return true;
	}
	return false;
}

/* The first rule of a node that allows, where it comes before what was
   found. */
static void search_node(struct search *s, struct span rules)
{
	const uint32_t *numbers = s->table->numbers + rules.first;

	for (uint32_t i = 0; i < rules.n && numbers[i] < s->found; i++) {
		if (allows(s->table, s->table->rules[numbers[i]].members,
			   &s->query->other))
			s->found = numbers[i];
	}
}

static void search_ports(struct search *s, unsigned int protocol)
{
	const struct rule_lookup *lookup = s->table->lookup;
	const struct port_table *ports = &lookup->ports[protocol];
	uint32_t node;

	if (ports->n == 0)
		return;
	node = ports->base + find_interval(lookup, ports, s->query->port);
	do {
		search_node(s, s->table->node_rules[protocol][node]);
		node /= 2;
	} while (ports->base && node > 0);
}

static void search_names(struct search *s)
{
	const struct rule_lookup *lookup = s->table->lookup;
	const struct named_rules *first = rule_lookup_at(lookup, lookup->named);
	const struct named_ports *names = s->query->names;

	for (size_t i = 0; names && i < names->n; i++) {
		const struct container_port *p = &names->items[i];
		const struct named_rules *named;

		if (p->number != s->query->port ||
		    p->protocol != s->query->protocol)
			continue;
		named = rule_lookup_named(lookup, p);
		if (named)
			search_node(s, s->table->named_rules[named - first]);
	}
}

bool rule_table_find(const struct rule_table *table,
		     const struct rule_query *query,
		     const struct network_policy **policy, size_t *rule)
{
	struct search s = { table, query, (uint32_t)table->n_rules };
	unsigned int protocol = port_protocol(query->protocol);
	const struct rule_entry *entry;

	if (protocol == N_PORT_PROTOCOLS || !query->has_port) {
		search_node(&s, table->portless_rules[protocol]);
	} else {
		search_ports(&s, protocol);
		search_names(&s);
	}
	if (s.found == table->n_rules)
		return false;
	entry = &table->rules[s.found];
	*policy = &table->policies[entry->policy]->policy;
	*rule = entry->rule;
	return true;
}

size_t rule_table_policies(const struct rule_table *table,
			   const struct object *const **policies)
{
	*policies = table->policies;
	return table->n_policies;
}

/* An edit that takes more to see through counts as one that denies: a sweep
   takes tens of milliseconds, this at most one or two. */
#define EDIT_BUDGET 200000

static bool is_covered(const struct rule *rule,
		       const struct network_policy *policy, enum direction dir,
		       struct budget *budget)
{
	for (size_t i = 0; i < policy->n_rules[dir]; i++) {
		if (rule_covers(&policy->rules[dir][i], rule, policy->namespace,
				budget))
			return true;
	}
	return false;
}

/* Whether a policy allows all that it allowed before an edit. */
static bool widens(const struct network_policy *now,
		   const struct network_policy *before, enum direction dir)
{
	struct budget budget = { EDIT_BUDGET };

	for (size_t i = 0; i < before->n_rules[dir]; i++) {
		if (!is_covered(&before->rules[dir][i], now, dir, &budget))
			return false;
	}
	return true;
}

bool rule_table_includes(const struct rule_table *wide,
			 const struct rule_table *narrow)
{
	size_t k = 0;

	/* Both are sorted by name; the same policy is the same object. */
	for (size_t i = 0; i < narrow->n_policies; i++) {
		const struct object *policy = narrow->policies[i];

		while (k < wide->n_policies &&
		       strcmp(wide->policies[k]->policy.name,
			      policy->policy.name) < 0)
			k++;
		if (k == wide->n_policies ||
		    (wide->policies[k] != policy &&
		     !widens(&wide->policies[k]->policy, &policy->policy,
			     wide->dir)))
			return false;
	}
	return true;
}

/* ---- equal ones are kept once ------------------------------------------- */

static size_t hash_question(enum direction dir,
			    const struct object *const *policies, size_t n,
			    const struct container_port *names)
{
	size_t hash = ((uintptr_t)names + dir) * 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < n; i++) {
		hash = (hash ^ (uintptr_t)policies[i]) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
	}
	return hash ^ hash >> 32;
}

static struct rule_table **bucket(const struct rule_tables *tables, size_t hash)
{
	return &tables->buckets[hash & (tables->n_buckets - 1)];
}

static int grow(struct parts *parts, struct rule_tables *tables)
{
	struct rule_tables grown = *tables;

	grown.n_buckets =
		tables->n_buckets ? tables->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = parts_alloc(parts, PART_RULES,
				    grown.n_buckets * sizeof(void *));
	if (!grown.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < tables->n_buckets; i++) {
		struct rule_table *table = tables->buckets[i];

		while (table) {
			struct rule_table *next = table->next;
			struct rule_table **head = bucket(&grown, table->hash);

			table->next = *head;
			*head = table;
			table = next;
		}
	}
	parts_free(parts, PART_RULES, tables->buckets,
		   tables->n_buckets * sizeof(void *));
	*tables = grown;
	return 0;
}

static void table_free(struct parts *parts, struct part *part)
{
	struct rule_table *table = (struct rule_table *)part;

	for (size_t i = 0; i < table->n_policies; i++)
		record_drop(parts->pool, table->policies[i]);
	parts->bytes[PART_RULES] -= table->arena.total;
	arena_release(&table->arena);
	parts_free(parts, PART_RULES, table->lookup, table->lookup_size);
	parts_free(parts, PART_RULES, table, sizeof(*table));
}

static void drop_sets(struct parts *parts, struct rule_tables *tables,
		      struct rule_table *table)
{
	for (size_t i = 0; i < table->n_peers; i++)
		peer_set_drop(parts, tables->peers, table->peers[i]);
	for (size_t i = 0; i < table->n_blocks; i++)
		block_sets_drop(parts, tables->blocks, table->blocks[i]);
	table->n_peers = table->n_blocks = 0;
}

static int use_policies(struct rule_table *table,
			const struct object *const *policies, size_t n)
{
	table->policies = arena_array(&table->arena, n, sizeof(void *));
	if (!table->policies)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		table->policies[table->n_policies++] = record_use(policies[i]);
	return 0;
}

static struct rule_table *make(struct parts *parts, struct rule_tables *tables,
			       enum direction dir,
			       const struct object *const *policies, size_t n,
			       const struct named_ports *ports)
{
	struct rule_table *table =
		parts_new(parts, PART_RULES, sizeof(*table), table_free);
	int r;

	if (!table)
		return NULL;
	table->dir = dir;
	table->n_users = 1;
	r = use_policies(table, policies, n);
	if (r == 0)
		r = rule_table_build(parts, tables, ports, table);
	parts->bytes[PART_RULES] += table->arena.total;
	if (r < 0) {
		drop_sets(parts, tables, table);
		table_free(parts, &table->part);
		table = NULL;
	}
	arena_clear(&tables->scratch);
	return table;
}

static const struct container_port *
names_that_matter(enum direction dir, const struct object *const *policies,
		  size_t n, const struct named_ports *ports)
{
	for (size_t i = 0; dir == DIRECTION_INGRESS && i < n; i++) {
		if (policy_uses_names(&policies[i]->policy, dir))
			return ports->items;
	}
	return NULL;
}

static bool is_for(const struct rule_table *table, enum direction dir,
		   const struct object *const *policies, size_t n,
		   const struct container_port *names)
{
	return table->dir == dir && table->names == names &&
	       table->n_policies == n &&
	       memcmp(table->policies, policies, n * sizeof(void *)) == 0;
}

struct rule_table *
rule_tables_get(struct parts *parts, struct rule_tables *tables,
		enum direction dir, const struct object *const *policies,
		size_t n_policies, const struct named_ports *ports)
{
	const struct container_port *names =
		names_that_matter(dir, policies, n_policies, ports);
	size_t hash = hash_question(dir, policies, n_policies, names);
	struct rule_table *table =
		tables->buckets ? *bucket(tables, hash) : NULL;

	while (table && (table->hash != hash ||
			 !is_for(table, dir, policies, n_policies, names)))
		table = table->next;
	if (table) {
		table->n_users++;
		return table;
	}
	if (tables->n >= tables->n_buckets && grow(parts, tables) < 0)
		return NULL;
	table = make(parts, tables, dir, policies, n_policies, ports);
	if (!table)
		return NULL;
	table->names = names;
	table->hash = hash;
	table->next = *bucket(tables, hash);
	*bucket(tables, hash) = table;
	tables->n++;
	tables->n_built++;
	return table;
}

void rule_tables_drop(struct parts *parts, struct rule_tables *tables,
		      struct rule_table *table)
{
	struct rule_table **link;

	if (!table || --table->n_users > 0)
		return;
	link = bucket(tables, table->hash);
	while (*link != table)
		link = &(*link)->next;
	*link = table->next;
	tables->n--;
	drop_sets(parts, tables, table);
	parts_throw(parts, &table->part);
}

void rule_tables_release(struct parts *parts, struct rule_tables *tables)
{
	arena_release(&tables->scratch);
	parts_free(parts, PART_RULES, tables->buckets,
		   tables->n_buckets * sizeof(void *));
	tables->buckets = NULL;
	tables->n_buckets = tables->n = 0;
}
