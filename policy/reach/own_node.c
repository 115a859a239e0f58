/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reach/own_node.h"

#include <errno.h>

#include "netpold/snapshot.h"

static bool is_of_own_node(const struct reach *reach,
			   const struct ip_addr *addr, uint32_t pod)
{
	for (size_t v = 0; v < reach->n_views; v++) {
		if (snapshot_is_node_of(reach->views[v].snapshot, addr,
					reach->pods.items[pod].pods[v]))
			return true;
	}
	return false;
}

static bool is_of_pod(const struct reach *reach, const struct ip_addr *addr)
{
	for (size_t v = 0; v < reach->n_views; v++) {
		if (snapshot_pod_by_address(reach->views[v].snapshot, addr))
			return true;
	}
	return false;
}

bool own_node_is_all(const struct reach *reach, const struct node_class *nodes,
		     uint32_t pod)
{
	for (size_t i = 0; i < nodes->n; i++) {
		if (!is_of_own_node(reach, &nodes->addrs[i], pod))
			return false;
	}
	return true;
}

/* ---- finding them ------------------------------------------------------- */

/* Ranges of one class, while it is not known yet that all are of nodes. */
struct candidate {
	bool is_other; /* some are not */
	uint32_t n;    /* ranges */
	struct node_class *made;
};

static addr_number n_addresses(const struct reach_range *range)
{
	return addr_number_of(&range->last) - addr_number_of(&range->first) + 1;
}

/* Add what no pod has of a range; there are few, since each is a node's or a
   pod's. */
static void add_addresses(const struct reach *reach,
			  const struct reach_range *range,
			  struct node_class *nodes)
{
	addr_number first = addr_number_of(&range->first);

	for (addr_number i = 0; i < n_addresses(range); i++) {
		struct ip_addr addr =
			addr_number_to(first + i, range->first.family);

		if (!is_of_pod(reach, &addr))
			nodes->addrs[nodes->n++] = addr;
	}
}

static int add_class(struct reach *reach, size_t range,
		     struct candidate *candidate)
{
	struct node_class *nodes = &reach->node_classes[reach->n_node_classes];
	const struct reach_range *ranges = reach->ranges;
	size_t room = 0;

	for (size_t i = range; i < reach->n_ranges; i++) {
		if (ranges[i].class == ranges[range].class &&
		    ranges[i].first.family == ranges[range].first.family)
			room += (size_t)n_addresses(&ranges[i]);
	}
	nodes->addrs = arena_array(&reach->arena, room, sizeof(*nodes->addrs));
	if (!nodes->addrs)
		return -ENOMEM;
	nodes->range = (uint32_t)range;
	candidate->made = nodes;
	reach->n_node_classes++;
	return 0;
}

/* Of one family: until they are sorted, ranges have the classes of their
   cuts. */
static int find(struct reach *reach, struct arena *scratch, int family)
{
	size_t n = reach->cuts[family].n_classes;
	struct candidate *candidates =
		arena_array(scratch, n, sizeof(*candidates));
	int r = candidates ? 0 : -ENOMEM;

	for (size_t i = 0; i < reach->n_ranges && r == 0; i++) {
		const struct reach_range *range = &reach->ranges[i];

		if (family_index(range->first.family) == family)
			candidates[range->class].is_other |= !range->is_nodes;
	}
	for (size_t i = 0; i < reach->n_ranges && r == 0; i++) {
		const struct reach_range *range = &reach->ranges[i];
		struct candidate *candidate;

		if (family_index(range->first.family) != family)
			continue;
		candidate = &candidates[range->class];
		if (candidate->is_other)
			continue;
		if (!candidate->made)
			r = add_class(reach, i, candidate);
		if (r == 0)
			add_addresses(reach, range, candidate->made);
	}
	return r;
}

int own_node_find(struct reach *reach)
{
	struct arena scratch = { 0 };
	int r = 0;

	reach->node_classes = arena_array(&reach->arena, reach->n_ranges,
					  sizeof(*reach->node_classes));
	if (!reach->node_classes)
		return -ENOMEM;
	/* Of one snapshot it is told what policies say of an address, whoever
	   it is: to tell pods apart by their nodes helps nobody. */
	for (int f = 0; f < 2 && reach->n_views > 1 && r == 0; f++)
		r = find(reach, &scratch, f);
	arena_release(&scratch);
	return r;
}

int own_node_index(struct reach *reach)
{
	reach->node_class_of =
		arena_array(&reach->arena, reach->n_classes, sizeof(void *));
	if (!reach->node_class_of)
		return -ENOMEM;
	for (size_t i = 0; i < reach->n_node_classes; i++) {
		const struct node_class *nodes = &reach->node_classes[i];

		reach->node_class_of[reach->ranges[nodes->range].class] = nodes;
	}
	return 0;
}

/* ---- asking ------------------------------------------------------------- */

bool reach_is_own_node(const struct reach *reach, uint32_t from, uint32_t to)
{
	const struct node_class *nodes = reach->node_class_of[from];
	const struct reach_class *class = &reach->classes[to];

	return nodes && !class->is_outside &&
	       class->family == reach->classes[from].family &&
	       own_node_is_all(reach, nodes, class->members[0]);
}

/* One that is known as an example is best. */
static const struct reach_range *find_range(const struct reach *reach,
					    const struct reach_class *class)
{
	const struct reach_range *found = NULL;

	for (size_t i = 0; i < class->n_members; i++) {
		const struct reach_range *range =
			&reach->ranges[class->members[i]];

		if (range->is_documented)
			return range;
		if (!found || (found->is_nodes && !range->is_nodes))
			found = range;
	}
	return found;
}

struct ip_addr reach_outside_example(const struct reach *reach, uint32_t class,
				     uint32_t pod)
{
	const struct node_class *nodes = reach->node_class_of[class];

	for (size_t i = 0; nodes && i < nodes->n; i++) {
		if (!is_of_own_node(reach, &nodes->addrs[i], pod))
			return nodes->addrs[i];
	}
	return find_range(reach, &reach->classes[class])->example;
}
