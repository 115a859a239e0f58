/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In three steps:
 *
 *	rules	whom each rule of each policy allows: a few members
 *	grants	for which ports: a range of a protocol's, or a name
 *	nodes	where in the table each grant belongs; of each node its rules,
 *		and their members together
 *
 * A rule with many peers is united before it is spread over the nodes, so that
 * a rule for many ports and many peers costs their sum, not their product.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table/rule_table_parts.h"

/* More members than these are united: a cache line of them. */
#define MAX_MEMBERS 8

/* More intervals than these are a tree. */
#define MAX_FLAT_INTERVALS 16

/* A rule for some ports: first to last of a protocol, or a name. */
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
	struct member *members;
	size_t n_members, members_capacity;
	uint32_t *numbers; /* of rules, for the nodes */
	size_t n_numbers, numbers_capacity;
	size_t sets_capacity;
};

/* ---- arrays that grow in the scratch arena ------------------------------ */

static void *room(struct builder *b, void *items, size_t n, size_t *capacity,
		  size_t size)
{
	size_t grown = *capacity ? *capacity * 2 : 16;
	void *moved;

	if (n < *capacity)
		return items;
	moved = arena_array(b->scratch, grown, size);
	if (!moved)
		return NULL;
	if (n)
		memcpy(moved, items, n * size);
	*capacity = grown;
	return moved;
}

static int add_member(struct builder *b, const void *what,
		      enum member_kind kind)
{
	struct member *members = room(b, b->members, b->n_members,
				      &b->members_capacity, sizeof(*members));

	if (!members)
		return -ENOMEM;
	b->members = members;
	members[b->n_members++].word = (uintptr_t)what | kind;
	return 0;
}

static int add_number(struct builder *b, uint32_t number)
{
	uint32_t *numbers = room(b, b->numbers, b->n_numbers,
				 &b->numbers_capacity, sizeof(*numbers));

	if (!numbers)
		return -ENOMEM;
	b->numbers = numbers;
	numbers[b->n_numbers++] = number;
	return 0;
}

static int add_grant(struct builder *b, struct grant grant)
{
	struct grant *grants = room(b, b->grants, b->n_grants,
				    &b->grants_capacity, sizeof(*grants));

	if (!grants)
		return -ENOMEM;
	b->grants = grants;
	grants[b->n_grants++] = grant;
	return 0;
}

/* The table uses a set; when that fails, nobody does. */
static int keep_set(struct builder *b, struct peer_set *set)
{
	struct rule_table *t = b->table;
	struct peer_set **sets =
		room(b, t->sets, t->n_sets, &b->sets_capacity, sizeof(*sets));

	if (!sets) {
		peer_set_drop(b->parts, b->tables->sets, set);
		return -ENOMEM;
	}
	t->sets = sets;
	sets[t->n_sets++] = set;
	return 0;
}

/* ---- members, united where they are many -------------------------------- */

static int compare_members(const void *a, const void *b)
{
	const struct member *p = a, *q = b;

	if (p->word != q->word)
		return p->word < q->word ? -1 : 1;
	return 0;
}

/* Each once; where one is anyone, the others say nothing more. */
static void tidy(struct builder *b, size_t first)
{
	struct member *m = b->members + first;
	size_t n = b->n_members - first, kept = 0;

	if (n > 1)
		qsort(m, n, sizeof(*m), compare_members);
	for (size_t i = 0; i < n; i++) {
		if (member_kind(m[i]) == MEMBER_ANYONE) {
			m[0] = m[i];
			kept = 1;
			break;
		}
		if (kept == 0 || m[kept - 1].word != m[i].word)
			m[kept++] = m[i];
	}
	b->n_members = first + kept;
}

static int unite_sets(struct builder *b, const struct member *m, size_t n)
{
	struct peer_set **sets = arena_array(b->scratch, n, sizeof(*sets));
	struct peer_set *whole;
	size_t n_sets = 0;

	if (!sets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (member_kind(m[i]) == MEMBER_PEERS)
			sets[n_sets++] =
				(struct peer_set *)(uintptr_t)member_what(m[i]);
	}
	if (n_sets <= 1)
		return n_sets ? add_member(b, sets[0], MEMBER_PEERS) : 0;
	whole = peer_set_unite(b->parts, sets, n_sets);
	if (!whole || keep_set(b, whole) < 0)
		return -ENOMEM;
	return add_member(b, whole, MEMBER_PEERS);
}

static int unite_blocks(struct builder *b, const struct member *m, size_t n)
{
	const struct block_set **sets =
		arena_array(b->scratch, n, sizeof(*sets));
	const struct block_set *whole;
	size_t n_sets = 0;

	if (!sets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (member_kind(m[i]) == MEMBER_BLOCKS)
			sets[n_sets++] = member_what(m[i]);
	}
	if (n_sets <= 1)
		return n_sets ? add_member(b, sets[0], MEMBER_BLOCKS) : 0;
	whole = block_set_unite(b->arena, b->scratch, sets, n_sets);
	return whole ? add_member(b, whole, MEMBER_BLOCKS) : -ENOMEM;
}

/* Members from @first on become a span of a few. */
static int close_span(struct builder *b, size_t first, struct span *out)
{
	size_t n;

	tidy(b, first);
	n = b->n_members - first;
	if (n > MAX_MEMBERS) {
		struct member *copy = arena_array(b->scratch, n, sizeof(*copy));

		if (!copy)
			return -ENOMEM;
		memcpy(copy, b->members + first, n * sizeof(*copy));
		b->n_members = first;
		if (unite_sets(b, copy, n) < 0 || unite_blocks(b, copy, n) < 0)
			return -ENOMEM;
	}
	*out = (struct span){ (uint32_t)first,
			      (uint32_t)(b->n_members - first) };
	return 0;
}

/* ---- rules -------------------------------------------------------------- */

static int add_pods(struct builder *b, const struct peer *peer,
		    const char *namespace)
{
	bool is_new;
	struct peer_set *set = peer_sets_get(b->parts, b->tables->sets, peer,
					     namespace, &is_new);

	if (!set || keep_set(b, set) < 0)
		return -ENOMEM;
	if (is_new && b->tables->fill(b->tables->fill_ctx, set) < 0)
		return -ENOMEM;
	return add_member(b, set, MEMBER_PEERS);
}

static int add_blocks(struct builder *b, const struct rule *rule)
{
	const struct peer **blocks =
		arena_array(b->scratch, rule->n_peers, sizeof(*blocks));
	const struct block_set *set;
	size_t n = 0;

	if (!blocks)
		return -ENOMEM;
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (rule->peers[i].kind == PEER_IP_BLOCK)
			blocks[n++] = &rule->peers[i];
	}
	if (n == 0)
		return 0;
	set = block_set_new(b->arena, b->scratch, blocks, n);
	return set ? add_member(b, set, MEMBER_BLOCKS) : -ENOMEM;
}

static int add_peers(struct builder *b, const struct rule *rule,
		     const char *namespace, struct span *out)
{
	size_t first = b->n_members;
	int r = 0;

	if (rule->n_peers == 0)
		r = add_member(b, NULL, MEMBER_ANYONE);
	for (size_t i = 0; i < rule->n_peers && r == 0; i++) {
		if (rule->peers[i].kind == PEER_PODS)
			r = add_pods(b, &rule->peers[i], namespace);
	}
	if (r == 0)
		r = add_blocks(b, rule);
	return r < 0 ? r : close_span(b, first, out);
}

/* ---- grants ------------------------------------------------------------- */

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
	int r = add_peers(b, rule, policy->namespace, &entry->members);

	if (r == 0 && rule->n_ports == 0)
		r = grant_all(b, number);
	for (size_t i = 0; i < rule->n_ports && r == 0; i++)
		r = grant_port(b, &rule->ports[i], number);
	return r;
}

static int add_rules(struct builder *b)
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

/* ---- nodes -------------------------------------------------------------- */

/* Close a node whose rules are the numbers from @first on. A rule may be there
   more than once: ports overlap. */
static int close_node(struct builder *b, size_t first, struct rule_node *node)
{
	size_t first_member = b->n_members;
	uint32_t *numbers = b->numbers + first;
	size_t n = b->n_numbers - first, kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || numbers[kept - 1] != numbers[i])
			numbers[kept++] = numbers[i];
	}
	b->n_numbers = first + kept;
	node->rules = (struct span){ (uint32_t)first, (uint32_t)kept };
	for (size_t i = 0; i < kept; i++) {
		struct span members = b->table->rules[numbers[i]].members;

		for (uint32_t k = 0; k < members.n; k++) {
			struct member m = b->members[members.first + k];

			if (add_member(b, member_what(m), member_kind(m)) < 0)
				return -ENOMEM;
		}
	}
	/* A lone rule's members are there already. */
	if (kept == 1) {
		b->n_members = first_member;
		node->members = b->table->rules[numbers[0]].members;
		return 0;
	}
	return close_span(b, first_member, &node->members);
}

/* The node of all rules that a test holds for. */
static int build_portless(struct builder *b, unsigned int protocol,
			  struct rule_node *node)
{
	const struct rule_table *t = b->table;
	size_t first = b->n_numbers;

	for (uint32_t i = 0; i < t->n_rules; i++) {
		const struct rule_entry *e = &t->rules[i];
		const struct rule *rule =
			&t->policies[e->policy]->policy.rules[t->dir][e->rule];
		bool holds = rule->n_ports == 0;

		for (size_t k = 0; k < rule->n_ports && !holds; k++)
			holds = rule->ports[k].kind == PORT_ANY &&
				port_protocol(rule->ports[k].protocol) ==
					protocol;
		if (holds && add_number(b, i) < 0)
			return -ENOMEM;
	}
	return close_node(b, first, node);
}

static int compare_starts(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static bool is_of(const struct grant *grant, unsigned int protocol)
{
	return !grant->name && port_protocol(grant->protocol) == protocol;
}

/* Ports at which something begins or ends. */
static int find_starts(struct builder *b, unsigned int protocol,
		       struct port_table *out)
{
	uint16_t *starts;
	size_t n = 0, kept = 0, n_grants = 0;

	for (size_t i = 0; i < b->n_grants; i++)
		n_grants += is_of(&b->grants[i], protocol);
	if (n_grants == 0)
		return 0;
	starts = arena_array(b->scratch, 2 * n_grants + 1, sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	starts[n++] = 0;
	for (size_t i = 0; i < b->n_grants; i++) {
		const struct grant *grant = &b->grants[i];

		if (!is_of(grant, protocol))
			continue;
		starts[n++] = grant->first;
		if (grant->last < UINT16_MAX)
			starts[n++] = (uint16_t)(grant->last + 1);
	}
	qsort(starts, n, sizeof(*starts), compare_starts);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || starts[kept - 1] != starts[i])
			starts[kept++] = starts[i];
	}
	out->n = (uint32_t)kept;
	out->starts = arena_array(b->arena, kept, sizeof(*starts));
	if (!out->starts)
		return -ENOMEM;
	memcpy((uint16_t *)(uintptr_t)out->starts, starts,
	       kept * sizeof(*starts));
	out->is_tree = kept > MAX_FLAT_INTERVALS;
	out->base = out->is_tree ? out->n : 0;
	return 0;
}

static uint32_t interval_of(const struct port_table *ports, uint16_t start)
{
	uint32_t low = 0, high = ports->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ports->starts[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Rules of each node, while they are gathered: chains through one array. */
struct node_lists {
	struct link {
		uint32_t rule;
		uint32_t next; /* place + 1; 0: the end */
	} * links;
	size_t n, capacity;
	uint32_t *heads, *tails; /* by node */
};

static int append_rule(struct builder *b, struct node_lists *lists,
		       uint32_t node, uint32_t rule)
{
	struct link *links = room(b, lists->links, lists->n, &lists->capacity,
				  sizeof(*links));

	if (!links)
		return -ENOMEM;
	lists->links = links;
	links[lists->n] = (struct link){ rule, 0 };
	lists->n++;
	if (lists->heads[node])
		links[lists->tails[node] - 1].next = (uint32_t)lists->n;
	else
		lists->heads[node] = (uint32_t)lists->n;
	lists->tails[node] = (uint32_t)lists->n;
	return 0;
}

/* The nodes that together are the intervals from @left up to @right. */
static int spread(struct builder *b, struct node_lists *lists,
		  const struct port_table *ports, uint32_t left, uint32_t right,
		  uint32_t rule)
{
	int r = 0;

	left += ports->base;
	right += ports->base;
	if (!ports->is_tree) {
		for (; left < right && r == 0; left++)
			r = append_rule(b, lists, left, rule);
		return r;
	}
	for (; left < right && r == 0; left /= 2, right /= 2) {
		if (left % 2)
			r = append_rule(b, lists, left++, rule);
		if (right % 2 && r == 0)
			r = append_rule(b, lists, --right, rule);
	}
	return r;
}

static int gather(struct builder *b, unsigned int protocol,
		  const struct port_table *ports, struct node_lists *lists)
{
	for (size_t i = 0; i < b->n_grants; i++) {
		const struct grant *grant = &b->grants[i];
		uint32_t right = ports->n;
		int r;

		if (!is_of(grant, protocol))
			continue;
		if (grant->last < UINT16_MAX)
			right = interval_of(ports, (uint16_t)(grant->last + 1));
		r = spread(b, lists, ports, interval_of(ports, grant->first),
			   right, grant->rule);
		if (r < 0)
			return r;
	}
	return 0;
}

static int build_ports(struct builder *b, unsigned int protocol,
		       struct port_table *ports)
{
	struct node_lists lists = { 0 };
	struct rule_node *nodes;
	uint32_t n_nodes;
	int r = find_starts(b, protocol, ports);

	if (r < 0 || ports->n == 0)
		return r;
	n_nodes = ports->base + ports->n;
	nodes = arena_array(b->arena, n_nodes, sizeof(*nodes));
	lists.heads = arena_array(b->scratch, n_nodes, sizeof(uint32_t));
	lists.tails = arena_array(b->scratch, n_nodes, sizeof(uint32_t));
	if (!nodes || !lists.heads || !lists.tails)
		return -ENOMEM;
	ports->nodes = nodes;
	r = gather(b, protocol, ports, &lists);
	for (uint32_t i = 0; i < n_nodes && r == 0; i++) {
		size_t first = b->n_numbers;

		for (uint32_t k = lists.heads[i]; k && r == 0;
		     k = lists.links[k - 1].next)
			r = add_number(b, lists.links[k - 1].rule);
		if (r == 0)
			r = close_node(b, first, &nodes[i]);
	}
	return r;
}

/* ---- names -------------------------------------------------------------- */

static int compare_named_grants(const void *a, const void *b)
{
	const struct grant *p = a, *q = b;

	if (p->protocol != q->protocol)
		return p->protocol < q->protocol ? -1 : 1;
	if (p->name != q->name)
		return (uintptr_t)p->name < (uintptr_t)q->name ? -1 : 1;
	if (p->rule != q->rule)
		return p->rule < q->rule ? -1 : 1;
	return 0;
}

static int build_named(struct builder *b)
{
	struct grant *grants =
		arena_array(b->scratch, b->n_grants, sizeof(*grants));
	struct named_rules *named;
	size_t n = 0;

	if (!grants)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_grants; i++) {
		if (b->grants[i].name)
			grants[n++] = b->grants[i];
	}
	if (n == 0)
		return 0;
	qsort(grants, n, sizeof(*grants), compare_named_grants);
	named = arena_array(b->arena, n, sizeof(*named));
	if (!named)
		return -ENOMEM;
	b->table->named = named;
	for (size_t i = 0; i < n;) {
		struct named_rules *entry = &named[b->table->n_named++];
		size_t first = b->n_numbers;

		entry->name = grants[i].name;
		entry->protocol = grants[i].protocol;
		for (; i < n && grants[i].name == entry->name &&
		       grants[i].protocol == entry->protocol;
		     i++) {
			if (add_number(b, grants[i].rule) < 0)
				return -ENOMEM;
		}
		if (close_node(b, first, &entry->node) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

static int build_nodes(struct builder *b)
{
	struct rule_table *t = b->table;
	int r = 0;

	for (unsigned int i = 0; i < N_PORT_PROTOCOLS && r == 0; i++)
		r = build_ports(b, i, &t->ports[i]);
	for (unsigned int i = 0; i <= N_PORT_PROTOCOLS && r == 0; i++)
		r = build_portless(b, i, &t->portless[i]);
	return r == 0 ? build_named(b) : r;
}

/* What has grown in the scratch arena moves to the table's. */
static int keep(struct builder *b)
{
	struct rule_table *t = b->table;
	struct member *members =
		arena_array(b->arena, b->n_members, sizeof(*members));
	uint32_t *numbers =
		arena_array(b->arena, b->n_numbers, sizeof(*numbers));
	struct peer_set **sets =
		arena_array(b->arena, t->n_sets, sizeof(*sets));

	if (!members || !numbers || !sets)
		return -ENOMEM;
	if (b->n_members)
		memcpy(members, b->members, b->n_members * sizeof(*members));
	if (b->n_numbers)
		memcpy(numbers, b->numbers, b->n_numbers * sizeof(*numbers));
	if (t->n_sets)
		memcpy(sets, t->sets, t->n_sets * sizeof(*sets));
	t->members = members;
	t->rule_numbers = numbers;
	t->sets = sets;
	return 0;
}

bool policy_uses_names(const struct network_policy *policy, enum direction dir)
{
	for (size_t i = 0; i < policy->n_rules[dir]; i++) {
		const struct rule *rule = &policy->rules[dir][i];

		for (size_t k = 0; k < rule->n_ports; k++) {
			if (rule->ports[k].kind == PORT_NAMED)
				return true;
		}
	}
	return false;
}

int rule_table_build(struct parts *parts, struct rule_tables *tables,
		     const struct named_ports *names, struct rule_table *table)
{
	struct builder b = {
		.parts = parts,
		.tables = tables,
		.scratch = &tables->scratch,
		.names = names,
		.table = table,
		.arena = &table->arena,
	};
	int r = add_rules(&b);

	if (r == 0)
		r = build_nodes(&b);
	if (r == 0)
		r = keep(&b);
	return r;
}
