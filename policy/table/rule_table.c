/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule_table.h"

#include <errno.h>
#include <string.h>

#include "store/record.h"
#include "table/rule_table_parts.h"

#define FIRST_BUCKETS 64

/* ---- asking ------------------------------------------------------------- */

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

static inline bool any_matches(const struct rule_table *table,
			       struct span members,
			       const struct other_end *other)
{
	const struct member *m = table->members + members.first;

	for (uint32_t i = 0; i < members.n; i++) {
		if (member_matches(m[i], other))
			return true;
	}
	return false;
}

/* Which interval a port is in: the last that begins at or before it. */
static inline uint32_t find_interval(const struct port_table *ports,
				     uint16_t port)
{
	uint32_t low = 0, n = ports->n;

	while (n > 1) {
		uint32_t half = n / 2;

		low = ports->starts[low + half] <= port ? low + half : low;
		n -= half;
	}
	return low;
}

/* The rules for a name of the destination's, or NULL. */
static const struct named_rules *find_named(const struct rule_table *table,
					    uint8_t protocol, const char *name)
{
	size_t low = 0, high = table->n_named;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct named_rules *named = &table->named[middle];

		if (named->protocol == protocol && named->name == name)
			return named;
		if (named->protocol < protocol ||
		    (named->protocol == protocol &&
		     (uintptr_t)named->name < (uintptr_t)name))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Called for each node that a query arrives at; true ends it. */
typedef bool (*node_fn)(void *ctx, const struct rule_node *node);

/* The destination's names for the port (NP-45). */
static bool each_named_node(const struct rule_table *table,
			    const struct rule_query *query, node_fn each,
			    void *ctx)
{
	const struct named_ports *names = query->names;

	for (size_t i = 0; names && i < names->n; i++) {
		const struct container_port *p = &names->items[i];
		const struct named_rules *named;

		if (p->number != query->port || p->protocol != query->protocol)
			continue;
		named = find_named(table, p->protocol, p->name);
		if (named && each(ctx, &named->node))
			return true;
	}
	return false;
}

static inline bool each_node(const struct rule_table *table,
			     const struct rule_query *query, node_fn each,
			     void *ctx)
{
	unsigned int protocol = port_protocol(query->protocol);
	const struct port_table *ports = &table->ports[protocol];
	uint32_t i;

	if (protocol == N_PORT_PROTOCOLS || !query->has_port)
		return each(ctx, &table->portless[protocol]);
	if (ports->n > 0) {
		i = ports->base + find_interval(ports, query->port);
		do {
			if (each(ctx, &ports->nodes[i]))
				return true;
			i /= 2;
		} while (ports->is_tree && i > 0);
	}
	return table->n_named > 0 && each_named_node(table, query, each, ctx);
}

struct asking {
	const struct rule_table *table;
	const struct other_end *other;
};

static bool node_allows(void *ctx, const struct rule_node *node)
{
	const struct asking *asking = ctx;

	return any_matches(asking->table, node->members, asking->other);
}

bool rule_table_allows(const struct rule_table *table,
		       const struct rule_query *query)
{
	struct asking asking = { table, &query->other };

	return each_node(table, query, node_allows, &asking);
}

void rule_table_prefetch(const struct rule_table *table)
{
	__builtin_prefetch(table);
	__builtin_prefetch((const char *)table + 64);
	__builtin_prefetch((const char *)table + 128);
}

/* ---- explaining --------------------------------------------------------- */

struct finding_rule {
	const struct rule_table *table;
	const struct other_end *other;
	uint32_t found; /* n_rules: none yet */
};

static bool note_first(void *ctx, const struct rule_node *node)
{
	struct finding_rule *f = ctx;
	const uint32_t *numbers = f->table->rule_numbers + node->rules.first;

	for (uint32_t i = 0; i < node->rules.n && numbers[i] < f->found; i++) {
		if (any_matches(f->table, f->table->rules[numbers[i]].members,
				f->other))
			f->found = numbers[i];
	}
	return false;
}

bool rule_table_find(const struct rule_table *table,
		     const struct rule_query *query,
		     const struct network_policy **policy, size_t *rule)
{
	struct finding_rule f = { table, &query->other,
				  (uint32_t)table->n_rules };
	const struct rule_entry *entry;

	each_node(table, query, note_first, &f);
	if (f.found == table->n_rules)
		return false;
	entry = &table->rules[f.found];
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

bool rule_table_includes(const struct rule_table *wide,
			 const struct rule_table *narrow)
{
	size_t k = 0;

	/* Both are sorted by name; the same policy is the same object. */
	for (size_t i = 0; i < narrow->n_policies; i++) {
		while (k < wide->n_policies &&
		       wide->policies[k] != narrow->policies[i])
			k++;
		if (k == wide->n_policies)
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
	parts_free(parts, PART_RULES, table, sizeof(*table));
}

static void drop_sets(struct parts *parts, struct rule_tables *tables,
		      struct rule_table *table)
{
	for (size_t i = 0; i < table->n_sets; i++)
		peer_set_drop(parts, tables->sets, table->sets[i]);
	table->n_sets = 0;
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
