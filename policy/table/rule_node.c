/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule_builder.h"

#include <errno.h>
#include <stdlib.h>

/* More intervals than these are a tree. */
#define MAX_FLAT_INTERVALS 16

/* ---- nodes -------------------------------------------------------------- */

static int add_number(struct builder *b, uint32_t number)
{
	uint32_t *numbers =
		builder_room(b, b->numbers, b->n_numbers, &b->numbers_capacity,
			     sizeof(*numbers));

	if (!numbers)
		return -ENOMEM;
	b->numbers = numbers;
	numbers[b->n_numbers++] = number;
	return 0;
}

static int add_hot(struct builder *b, struct span members)
{
	for (uint32_t i = 0; i < members.n; i++) {
		struct member *hot = builder_room(
			b, b->hot, b->n_hot, &b->hot_capacity, sizeof(*hot));

		if (!hot)
			return -ENOMEM;
		b->hot = hot;
		hot[b->n_hot++] = b->members[members.first + i];
	}
	return 0;
}

/* The members of some rules together. */
static int gather_members(struct builder *b, struct span rules,
			  struct span *out)
{
	size_t first = b->n_members;

	for (uint32_t i = 0; i < rules.n; i++) {
		uint32_t rule = b->numbers[rules.first + i];
		struct span members = b->table->rules[rule].members;

		for (uint32_t k = 0; k < members.n; k++) {
			struct member m = b->members[members.first + k];

			if (builder_add_member(b, member_what(m),
					       member_kind(m)) < 0)
				return -ENOMEM;
		}
	}
	return builder_close_span(b, first, out);
}

/* Close a node whose rules are the numbers from @first on. A rule may be there
   more than once: ports overlap. */
static int close_node(struct builder *b, size_t first, struct span *rules,
		      struct span *hot)
{
	size_t kept = first, first_member = b->n_members;
	struct span members;
	int r;

	for (size_t i = first; i < b->n_numbers; i++) {
		if (kept == first || b->numbers[kept - 1] != b->numbers[i])
			b->numbers[kept++] = b->numbers[i];
	}
	b->n_numbers = kept;
	*rules = (struct span){ (uint32_t)first, (uint32_t)(kept - first) };
	r = gather_members(b, *rules, &members);
	if (r < 0)
		return r;
	*hot = (struct span){ (uint32_t)b->n_hot, members.n };
	r = add_hot(b, members);
	b->n_members = first_member;
	return r;
}

static bool is_any_port_of(const struct policy_port *port,
			   unsigned int protocol)
{
	return port->kind == PORT_ANY && protocol < N_PORT_PROTOCOLS &&
	       port_protocol(port->protocol) == protocol;
}

/* The node of all rules for packets of a protocol that have no port. Protocols
   that never have one fit rules without ports alone (NP-70). */
int builder_build_portless(struct builder *b, unsigned int protocol)
{
	const struct rule_table *t = b->table;
	size_t first = b->n_numbers;

	for (uint32_t i = 0; i < t->n_rules; i++) {
		const struct rule_entry *e = &t->rules[i];
		const struct rule *rule =
			&t->policies[e->policy]->policy.rules[t->dir][e->rule];
		bool holds = rule->n_ports == 0;

		for (size_t k = 0; k < rule->n_ports && !holds; k++)
			holds = is_any_port_of(&rule->ports[k], protocol);
		if (holds && add_number(b, i) < 0)
			return -ENOMEM;
	}
	return close_node(b, first, &b->table->portless_rules[protocol],
			  &b->portless[protocol]);
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
static int find_starts(struct builder *b, unsigned int protocol)
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
	b->ports[protocol].starts = starts;
	b->ports[protocol].n = (uint32_t)kept;
	b->ports[protocol].base =
		kept > MAX_FLAT_INTERVALS ? (uint32_t)kept : 0;
	b->ports[protocol].n_nodes = b->ports[protocol].base + (uint32_t)kept;
	return 0;
}

static uint32_t interval_of(const struct builder *b, unsigned int protocol,
			    uint16_t start)
{
	uint32_t low = 0, high = b->ports[protocol].n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (b->ports[protocol].starts[middle] < start)
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
	struct link *links = builder_room(b, lists->links, lists->n,
					  &lists->capacity, sizeof(*links));

	if (!links)
		return -ENOMEM;
	lists->links = links;
	links[lists->n++] = (struct link){ rule, 0 };
	if (lists->heads[node])
		links[lists->tails[node] - 1].next = (uint32_t)lists->n;
	else
		lists->heads[node] = (uint32_t)lists->n;
	lists->tails[node] = (uint32_t)lists->n;
	return 0;
}

/* The nodes that together are the intervals from @left up to @right; @base is
   0 where there is no tree. */
static int spread(struct builder *b, struct node_lists *lists, uint32_t base,
		  uint32_t left, uint32_t right, uint32_t rule)
{
	int r = 0;

	if (!base) {
		for (; left < right && r == 0; left++)
			r = append_rule(b, lists, left, rule);
		return r;
	}
	left += base;
	right += base;
	for (; left < right && r == 0; left /= 2, right /= 2) {
		if (left % 2)
			r = append_rule(b, lists, left++, rule);
		if (right % 2 && r == 0)
			r = append_rule(b, lists, --right, rule);
	}
	return r;
}

static int gather_rules(struct builder *b, unsigned int protocol,
			struct node_lists *lists)
{
	for (size_t i = 0; i < b->n_grants; i++) {
		const struct grant *grant = &b->grants[i];
		uint32_t right = b->ports[protocol].n;
		int r;

		if (!is_of(grant, protocol))
			continue;
		if (grant->last < UINT16_MAX)
			right = interval_of(b, protocol,
					    (uint16_t)(grant->last + 1));
		r = spread(b, lists, b->ports[protocol].base,
			   interval_of(b, protocol, grant->first), right,
			   grant->rule);
		if (r < 0)
			return r;
	}
	return 0;
}

static int close_nodes(struct builder *b, unsigned int protocol,
		       const struct node_lists *lists)
{
	uint32_t n_nodes = b->ports[protocol].n_nodes;
	uint32_t *firsts =
		arena_array(b->scratch, n_nodes + 1U, sizeof(*firsts));
	struct span *rules = arena_array(b->arena, n_nodes, sizeof(*rules));

	if (!firsts || !rules)
		return -ENOMEM;
	b->ports[protocol].firsts = firsts;
	b->table->node_rules[protocol] = rules;
	for (uint32_t i = 0; i < n_nodes; i++) {
		size_t first = b->n_numbers;
		struct span hot;

		for (uint32_t k = lists->heads[i]; k;
		     k = lists->links[k - 1].next) {
			if (add_number(b, lists->links[k - 1].rule) < 0)
				return -ENOMEM;
		}
		if (close_node(b, first, &rules[i], &hot) < 0)
			return -ENOMEM;
		firsts[i] = hot.first;
	}
	firsts[n_nodes] = (uint32_t)b->n_hot;
	return 0;
}

int builder_build_ports(struct builder *b, unsigned int protocol)
{
	struct node_lists lists = { 0 };
	uint32_t n_nodes;
	int r = find_starts(b, protocol);

	n_nodes = b->ports[protocol].n_nodes;
	if (r < 0 || n_nodes == 0)
		return r;
	lists.heads = arena_array(b->scratch, n_nodes, sizeof(uint32_t));
	lists.tails = arena_array(b->scratch, n_nodes, sizeof(uint32_t));
	if (!lists.heads || !lists.tails)
		return -ENOMEM;
	r = gather_rules(b, protocol, &lists);
	return r == 0 ? close_nodes(b, protocol, &lists) : r;
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

/* The grants of one name; returns where the next name's begin. */
static size_t gather_name(struct builder *b, const struct grant *grants,
			  size_t n, size_t i, int *r)
{
	const struct grant *first = &grants[i];

	for (; i < n && grants[i].name == first->name &&
	       grants[i].protocol == first->protocol;
	     i++) {
		if (*r == 0)
			*r = add_number(b, grants[i].rule);
	}
	return i;
}

int builder_build_names(struct builder *b)
{
	struct grant *grants =
		arena_array(b->scratch, b->n_grants, sizeof(*grants));
	struct span *rules;
	size_t n = 0;
	int r = 0;

	if (!grants)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_grants; i++) {
		if (b->grants[i].name)
			grants[n++] = b->grants[i];
	}
	if (n == 0)
		return 0;
	qsort(grants, n, sizeof(*grants), compare_named_grants);
	b->named = arena_array(b->scratch, n, sizeof(*b->named));
	rules = arena_array(b->arena, n, sizeof(*rules));
	if (!b->named || !rules)
		return -ENOMEM;
	b->table->named_rules = rules;
	for (size_t i = 0; i < n && r == 0;) {
		struct named_rules *named = &b->named[b->n_named];
		size_t first = b->n_numbers;

		named->name = grants[i].name;
		named->protocol = grants[i].protocol;
		i = gather_name(b, grants, n, i, &r);
		if (r == 0)
			r = close_node(b, first, &rules[b->n_named++],
				       &named->members);
	}
	return r;
}
