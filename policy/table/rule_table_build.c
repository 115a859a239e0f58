/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In three steps:
 *
 *	rules	whom each rule of each policy allows: a few members
 *	grants	for which ports: a range of a protocol's, or a name
 *	nodes	where in the look-up each grant belongs; of each node its
 *		rules, and their members together
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
	struct member *members; /* of rules; at the end, of a node in work */
	size_t n_members, members_capacity;
	uint32_t *numbers; /* of rules, for the nodes */
	size_t n_numbers, numbers_capacity;
	size_t peers_capacity, blocks_capacity;

	/* of the look-up */
	struct member *hot; /* members, node by node */
	size_t n_hot, hot_capacity;
	struct {
		uint16_t *starts;
		uint32_t *firsts;
		uint32_t n, base, n_nodes;
	} ports[N_PORT_PROTOCOLS];
	struct span portless[N_PORT_PROTOCOLS + 1];
	struct named_rules *named;
	size_t n_named;
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
static int keep_peers(struct builder *b, struct peer_set *set)
{
	struct rule_table *t = b->table;
	struct peer_set **peers = room(b, t->peers, t->n_peers,
				       &b->peers_capacity, sizeof(*peers));

	if (!peers) {
		peer_set_drop(b->parts, b->tables->peers, set);
		return -ENOMEM;
	}
	t->peers = peers;
	peers[t->n_peers++] = set;
	return 0;
}

static int keep_blocks(struct builder *b, struct block_set *set)
{
	struct rule_table *t = b->table;
	struct block_set **blocks = room(b, t->blocks, t->n_blocks,
					 &b->blocks_capacity, sizeof(*blocks));

	if (!blocks) {
		block_sets_drop(b->parts, b->tables->blocks, set);
		return -ENOMEM;
	}
	t->blocks = blocks;
	blocks[t->n_blocks++] = set;
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
	if (!whole || keep_peers(b, whole) < 0)
		return -ENOMEM;
	return add_member(b, whole, MEMBER_PEERS);
}

static int unite_blocks(struct builder *b, const struct member *m, size_t n)
{
	const struct block_set **sets =
		arena_array(b->scratch, n, sizeof(*sets));
	struct block_set *whole;
	size_t n_sets = 0;

	if (!sets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (member_kind(m[i]) == MEMBER_BLOCKS)
			sets[n_sets++] = member_what(m[i]);
	}
	if (n_sets <= 1)
		return n_sets ? add_member(b, sets[0], MEMBER_BLOCKS) : 0;
	whole = block_sets_unite(b->parts, b->tables->blocks, b->scratch, sets,
				 n_sets);
	if (!whole || keep_blocks(b, whole) < 0)
		return -ENOMEM;
	return add_member(b, whole, MEMBER_BLOCKS);
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
	struct peer_set *set = peer_sets_get(b->parts, b->tables->peers, peer,
					     namespace, &is_new);

	if (!set || keep_peers(b, set) < 0)
		return -ENOMEM;
	if (is_new && b->tables->fill(b->tables->fill_ctx, set) < 0)
		return -ENOMEM;
	return add_member(b, set, MEMBER_PEERS);
}

static int add_blocks(struct builder *b, const struct rule *rule)
{
	const struct peer **blocks =
		arena_array(b->scratch, rule->n_peers, sizeof(*blocks));
	struct block_set *set;
	size_t n = 0;

	if (!blocks)
		return -ENOMEM;
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (rule->peers[i].kind == PEER_IP_BLOCK)
			blocks[n++] = &rule->peers[i];
	}
	if (n == 0)
		return 0;
	set = block_sets_get(b->parts, b->tables->blocks, b->scratch, blocks,
			     n);
	if (!set || keep_blocks(b, set) < 0)
		return -ENOMEM;
	return add_member(b, set, MEMBER_BLOCKS);
}

static int add_peers(struct builder *b, const struct rule *rule,
		     const char *namespace, struct span *out)
{
	size_t first = b->n_members;
	int r = 0;

	if (rule->n_peers == 0)
		r = add_member(b, member_what(member_anyone()), MEMBER_ANYONE);
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

static int add_hot(struct builder *b, const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct member *hot = room(b, b->hot, b->n_hot, &b->hot_capacity,
					  sizeof(*hot));

		if (!hot)
			return -ENOMEM;
		b->hot = hot;
		hot[b->n_hot++] = members[i];
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

			if (add_member(b, member_what(m), member_kind(m)) < 0)
				return -ENOMEM;
		}
	}
	return close_span(b, first, out);
}

/* Close a node whose rules are the numbers from @first on. A rule may be there
   more than once: ports overlap. */
static int close_node(struct builder *b, size_t first, struct span *rules,
		      struct span *hot)
{
	uint32_t *numbers = b->numbers + first;
	size_t n = b->n_numbers - first, kept = 0, first_member = b->n_members;
	struct span members;
	int r;

	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || numbers[kept - 1] != numbers[i])
			numbers[kept++] = numbers[i];
	}
	b->n_numbers = first + kept;
	*rules = (struct span){ (uint32_t)first, (uint32_t)kept };
	r = gather_members(b, *rules, &members);
	if (r < 0)
		return r;
	*hot = (struct span){ (uint32_t)b->n_hot, members.n };
	r = add_hot(b, b->members + members.first, members.n);
	b->n_members = first_member;
	return r;
}

/* The node of all rules for packets of a protocol that have no port. */
static int build_portless(struct builder *b, unsigned int protocol)
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
	struct link *links = room(b, lists->links, lists->n, &lists->capacity,
				  sizeof(*links));

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

static int build_ports(struct builder *b, unsigned int protocol)
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

static int build_names(struct builder *b)
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

/* ---- the look-up -------------------------------------------------------- */

/* Where the next array of so many items is to lie. */
static uint32_t place(size_t *end, size_t n, size_t size)
{
	size_t at = (*end + size - 1) / size * size;

	*end = at + n * size;
	return (uint32_t)at;
}

/* Readers look at so many at once. */
static size_t n_starts(uint32_t n)
{
	return n > 0 && n < FEW_STARTS ? FEW_STARTS : n;
}

/* What is read for most packets comes first. */
static struct rule_lookup lay_out(const struct builder *b, size_t *end)
{
	struct rule_lookup lookup = { .n_named = (uint32_t)b->n_named,
				      .table = b->table };

	*end = sizeof(lookup);
	for (int i = 0; i < N_PORT_PROTOCOLS; i++) {
		lookup.ports[i].n = b->ports[i].n;
		lookup.ports[i].base = b->ports[i].base;
		lookup.ports[i].starts =
			place(end, n_starts(b->ports[i].n), sizeof(uint16_t));
		lookup.ports[i].members =
			place(end, b->ports[i].n ? b->ports[i].n_nodes + 1 : 0,
			      sizeof(uint32_t));
	}
	for (int i = 0; i <= N_PORT_PROTOCOLS; i++)
		lookup.portless[i] = b->portless[i];
	lookup.members =
		place(end, b->n_hot + MEMBERS_AHEAD, sizeof(struct member));
	/* Its size is a multiple of its alignment, which is that of members. */
	*end = (*end + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
	lookup.named = (uint32_t)*end;
	*end += b->n_named * sizeof(struct named_rules);
	return lookup;
}

/* What readers look at behind the last one. */
static void pad(const struct builder *b, struct rule_lookup *lookup)
{
	struct member *members =
		(struct member *)((unsigned char *)lookup + lookup->members);

	for (size_t i = 0; i < MEMBERS_AHEAD; i++)
		members[b->n_hot + i] = member_anyone();
	for (int i = 0; i < N_PORT_PROTOCOLS; i++) {
		uint16_t *starts = (uint16_t *)((unsigned char *)lookup +
						lookup->ports[i].starts);

		for (size_t k = b->ports[i].n; k < n_starts(b->ports[i].n); k++)
			starts[k] = UINT16_MAX;
	}
}

static void write(struct rule_lookup *lookup, uint32_t at, const void *items,
		  size_t n, size_t size)
{
	if (n)
		memcpy((unsigned char *)lookup + at, items, n * size);
}

static int build_lookup(struct builder *b)
{
	size_t size;
	struct rule_lookup header = lay_out(b, &size), *lookup;

	if (size > UINT32_MAX)
		return -ENOMEM;
	lookup = parts_alloc_line(b->parts, PART_RULES, size);
	if (!lookup)
		return -ENOMEM;
	*lookup = header;
	for (int i = 0; i < N_PORT_PROTOCOLS; i++) {
		write(lookup, header.ports[i].starts, b->ports[i].starts,
		      b->ports[i].n, sizeof(uint16_t));
		write(lookup, header.ports[i].members, b->ports[i].firsts,
		      b->ports[i].n ? b->ports[i].n_nodes + 1 : 0,
		      sizeof(uint32_t));
	}
	pad(b, lookup);
	write(lookup, header.members, b->hot, b->n_hot, sizeof(*b->hot));
	write(lookup, header.named, b->named, b->n_named, sizeof(*b->named));
	b->table->lookup = lookup;
	b->table->lookup_size = size;
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

static int build_nodes(struct builder *b)
{
	int r = 0;

	for (unsigned int i = 0; i < N_PORT_PROTOCOLS && r == 0; i++)
		r = build_ports(b, i);
	for (unsigned int i = 0; i <= N_PORT_PROTOCOLS && r == 0; i++)
		r = build_portless(b, i);
	return r == 0 ? build_names(b) : r;
}

static void *keep_copy(struct builder *b, const void *items, size_t n,
		       size_t size)
{
	void *copy = arena_array(b->arena, n, size);

	return copy && n ? memcpy(copy, items, n * size) : copy;
}

/* What has grown in the scratch arena moves to the table's. */
static int keep(struct builder *b)
{
	struct rule_table *t = b->table;
	struct peer_set **peers =
		keep_copy(b, t->peers, t->n_peers, sizeof(*peers));
	struct block_set **blocks =
		keep_copy(b, t->blocks, t->n_blocks, sizeof(*blocks));

	t->members =
		keep_copy(b, b->members, b->n_members, sizeof(*b->members));
	t->numbers =
		keep_copy(b, b->numbers, b->n_numbers, sizeof(*b->numbers));
	if (!peers || !blocks || !t->members || !t->numbers)
		return -ENOMEM;
	t->peers = peers;
	t->blocks = blocks;
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
	return r == 0 ? build_lookup(&b) : r;
}
