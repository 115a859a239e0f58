/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks around addresses outside.
 *
 * A block holds whatever address lies in it, a pod's as well (NP-35). One that
 * is wide enough to be read must not open a way to pods: it gets longer until
 * it holds no address of a pod, and nothing of where nodes take them from. An
 * address among those, which no pod has, is for a person to decide.
 */
#include <errno.h>
#include <stdlib.h>

#include "suggest/parts.h"

struct avoiding {
	struct arena *arena;
	struct suggest_avoid *avoid;
	size_t address_room, range_room, node_room;
};

static int add_pod(void *ctx, const struct object *object)
{
	struct avoiding *avoiding = ctx;
	struct suggest_avoid *avoid = avoiding->avoid;
	const struct pod *pod = &object->pod;

	if (pod->finished || pod->host_network)
		return 0;
	for (size_t i = 0; i < pod->n_addresses; i++) {
		avoid->addresses = arena_room(
			avoiding->arena, avoid->addresses, avoid->n_addresses,
			&avoiding->address_room, sizeof(*avoid->addresses));
		if (!avoid->addresses)
			return -ENOMEM;
		avoid->addresses[avoid->n_addresses++] = pod->addresses[i];
	}
	return 0;
}

static int add_node(void *ctx, const struct object *object)
{
	struct avoiding *avoiding = ctx;
	struct suggest_avoid *avoid = avoiding->avoid;
	const struct node *node = &object->node;

	for (size_t i = 0; i < node->n_pod_cidrs; i++) {
		avoid->ranges = arena_room(
			avoiding->arena, avoid->ranges, avoid->n_ranges,
			&avoiding->range_room, sizeof(*avoid->ranges));
		if (!avoid->ranges)
			return -ENOMEM;
		avoid->ranges[avoid->n_ranges++] = node->pod_cidrs[i];
	}
	for (size_t i = 0; i < node->n_addresses; i++) {
		avoid->nodes = arena_room(avoiding->arena, avoid->nodes,
					  avoid->n_nodes, &avoiding->node_room,
					  sizeof(void *));
		if (!avoid->nodes)
			return -ENOMEM;
		avoid->nodes[avoid->n_nodes++] = &node->addresses[i];
	}
	return 0;
}

static int compare_addresses(const void *a, const void *b)
{
	return ip_addr_compare(a, b);
}

int suggest_avoid_collect(const struct cluster *cluster, struct arena *arena,
			  struct suggest_avoid *out)
{
	struct avoiding avoiding = { .arena = arena, .avoid = out };

	if (cluster_each(cluster, OBJECT_POD, add_pod, &avoiding) < 0 ||
	    cluster_each(cluster, OBJECT_NODE, add_node, &avoiding) < 0)
		return -ENOMEM;
	if (out->n_addresses > 0)
		qsort(out->addresses, out->n_addresses, sizeof(*out->addresses),
		      compare_addresses);
	return 0;
}

/* The first address from the block's first one on is the one to look at. */
static bool holds_pod(const struct suggest_avoid *avoid,
		      const struct cidr *block)
{
	size_t low = 0, high = avoid->n_addresses;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ip_addr_compare(&avoid->addresses[middle], &block->addr) <
		    0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < avoid->n_addresses &&
	       cidr_contains(block, &avoid->addresses[low]);
}

static bool touches_range(const struct suggest_avoid *avoid,
			  const struct cidr *block)
{
	for (size_t i = 0; i < avoid->n_ranges; i++) {
		const struct cidr *range = &avoid->ranges[i];

		if (cidr_contains(block, &range->addr) ||
		    cidr_contains(range, &block->addr))
			return true;
	}
	return false;
}

static bool is_node(const struct suggest_avoid *avoid,
		    const struct ip_addr *addr)
{
	for (size_t i = 0; i < avoid->n_nodes; i++) {
		if (ip_addr_equal(avoid->nodes[i], addr))
			return true;
	}
	return false;
}

/* Who tells of it knows of no pod that has it. */
bool suggest_is_stray(const struct suggest_avoid *avoid,
		      const struct ip_addr *addr)
{
	for (size_t i = 0; i < avoid->n_ranges; i++) {
		if (cidr_contains(&avoid->ranges[i], addr))
			return !is_node(avoid, addr);
	}
	return false;
}

struct cidr suggest_block_around(const struct suggest_avoid *avoid,
				 const struct suggest_options *options,
				 const struct ip_addr *addr)
{
	unsigned int full = (unsigned int)ip_addr_len(addr) * 8;
	unsigned int len =
		addr->family == IP_V4 ? options->merge_v4 : options->merge_v6;
	struct cidr block = cidr_around(addr, len);

	while (len < full &&
	       (holds_pod(avoid, &block) || touches_range(avoid, &block)))
		block = cidr_around(addr, ++len);
	return block;
}
