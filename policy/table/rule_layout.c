/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule_builder.h"

#include <errno.h>
#include <string.h>

static void *keep_copy(struct builder *b, const void *items, size_t n,
		       size_t size)
{
	void *copy = arena_array(b->arena, n, size);

	return copy && n ? memcpy(copy, items, n * size) : copy;
}

/* What has grown in the scratch arena moves to the table's. */
int builder_keep(struct builder *b)
{
	struct rule_table *t = b->table;
	struct peer_set **peers =
		keep_copy(b, t->peers, t->n_peers, sizeof(void *));
	struct block_set **blocks =
		keep_copy(b, t->blocks, t->n_blocks, sizeof(void *));

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

int builder_build_lookup(struct builder *b)
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
