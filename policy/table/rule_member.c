/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule_builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More members than these are united: a cache line of them. */
#define MAX_MEMBERS 8

/* ---- arrays that grow in the scratch arena ------------------------------ */

void *builder_room(struct builder *b, void *items, size_t n, size_t *capacity,
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

int builder_add_member(struct builder *b, const void *what,
		       enum member_kind kind)
{
	struct member *members =
		builder_room(b, b->members, b->n_members, &b->members_capacity,
			     sizeof(*members));

	if (!members)
		return -ENOMEM;
	b->members = members;
	members[b->n_members++].word = (uintptr_t)what | kind;
	return 0;
}

/* The table uses a set; when that fails, nobody does. */
static int keep_peers(struct builder *b, struct peer_set *set)
{
	struct rule_table *t = b->table;
	struct peer_set **peers = builder_room(
		b, t->peers, t->n_peers, &b->peers_capacity, sizeof(void *));

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
	struct block_set **blocks = builder_room(
		b, t->blocks, t->n_blocks, &b->blocks_capacity, sizeof(void *));

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
	size_t n = b->n_members - first, kept = 0;
	struct member *m;

	if (n == 0)
		return;
	m = b->members + first;
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
	struct peer_set **sets = arena_array(b->scratch, n, sizeof(void *));
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
		return n_sets ? builder_add_member(b, sets[0], MEMBER_PEERS)
			      : 0;
	whole = peer_set_unite(b->parts, sets, n_sets);
	if (!whole || keep_peers(b, whole) < 0)
		return -ENOMEM;
	return builder_add_member(b, whole, MEMBER_PEERS);
}

static int unite_blocks(struct builder *b, const struct member *m, size_t n)
{
	const struct block_set **sets =
		arena_array(b->scratch, n, sizeof(void *));
	struct block_set *whole;
	size_t n_sets = 0;

	if (!sets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (member_kind(m[i]) == MEMBER_BLOCKS)
			sets[n_sets++] = member_what(m[i]);
	}
	if (n_sets <= 1)
		return n_sets ? builder_add_member(b, sets[0], MEMBER_BLOCKS)
			      : 0;
	whole = block_sets_unite(b->parts, b->tables->blocks, b->scratch, sets,
				 n_sets);
	if (!whole || keep_blocks(b, whole) < 0)
		return -ENOMEM;
	return builder_add_member(b, whole, MEMBER_BLOCKS);
}

/* Members from @first on become a span of a few. */
int builder_close_span(struct builder *b, size_t first, struct span *out)
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
	return builder_add_member(b, set, MEMBER_PEERS);
}

static int add_blocks(struct builder *b, const struct rule *rule)
{
	const struct peer **blocks =
		arena_array(b->scratch, rule->n_peers, sizeof(void *));
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
	return builder_add_member(b, set, MEMBER_BLOCKS);
}

int builder_add_peers(struct builder *b, const struct rule *rule,
		      const char *namespace, struct span *out)
{
	size_t first = b->n_members;
	int r = 0;

	if (rule->n_peers == 0)
		r = builder_add_member(b, member_what(member_anyone()),
				       MEMBER_ANYONE);
	for (size_t i = 0; i < rule->n_peers && r == 0; i++) {
		if (rule->peers[i].kind == PEER_PODS)
			r = add_pods(b, &rule->peers[i], namespace);
	}
	if (r == 0)
		r = add_blocks(b, rule);
	return r < 0 ? r : builder_close_span(b, first, out);
}
