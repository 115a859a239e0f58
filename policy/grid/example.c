/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One flow of a cell, to be looked at closely: two classes that may, and an
 * endpoint of each. Endpoints of a class may be of several groups, and so of
 * several units.
 */
#include <errno.h>

#include "grid/parts.h"

struct search {
	const struct grid *grid;
	uint32_t from, to;
	const struct reach_class *classes;
	const struct reach_pod *pods;
};

static bool is_of_unit(const struct search *s, uint32_t pod, uint32_t unit)
{
	return s->grid->groups[s->grid->group_of_pod[pod]].unit == unit;
}

/* The pod of a class and unit that comes first, or next; UINT32_MAX: there is
   none. */
static uint32_t find_pod(const struct search *s, const struct reach_class *c,
			 uint32_t unit, bool is_second)
{
	size_t n = is_second;

	for (size_t i = 0; !c->is_outside && i < c->n_members; i++) {
		if (is_of_unit(s, c->members[i], unit) && n-- == 0)
			return c->members[i];
	}
	return UINT32_MAX;
}

/* Outside the own node of the pod at the other end is no good. */
static struct ip_addr addr_of(const struct search *s, uint32_t class,
			      uint32_t pod, uint32_t other, size_t view)
{
	return s->classes[class].is_outside
		       ? reach_outside_example(s->grid->reach, class, other)
		       : s->pods[pod].addrs[view];
}

static bool fill_in(const struct search *s, uint32_t from, uint32_t to,
		    uint32_t slot, struct flow_key keys[REACH_MAX_VIEWS])
{
	const struct reach_class *source = &s->classes[from];
	const struct reach_class *destination = &s->classes[to];
	uint32_t src = find_pod(s, source, s->from, false);
	uint32_t dst =
		find_pod(s, destination, s->to, from == to && s->from == s->to);

	if ((src == UINT32_MAX && !source->is_outside) ||
	    (dst == UINT32_MAX && !destination->is_outside))
		return false;
	for (size_t v = 0; v < s->grid->n_views; v++) {
		keys[v] = (struct flow_key){
			.src = addr_of(s, from, src, dst, v),
			.dst = addr_of(s, to, dst, src, v),
		};
		slot_apply(slot, &keys[v]);
	}
	return true;
}

static int read_column(struct grid *grid, uint32_t class,
		       struct reach_column *out)
{
	return grid->n_views == 1
		       ? reach_column(grid->reach, REACH_OLD, class, out)
		       : reach_changes(grid->reach, class, out);
}

static const struct class_bits *find_sources(const struct reach_column *column,
					     enum reach_change change,
					     uint32_t slot)
{
	static const struct class_bits nobody;

	for (size_t i = 0; i < column->n; i++) {
		const struct reach_segment *s = &column->segments[i];

		if (s->slots.first <= slot && slot <= s->slots.last)
			return &s->sources[change];
	}
	return &nobody;
}

static bool search_class(const struct search *s, uint32_t to,
			 const struct class_bits *sources, uint32_t slot,
			 struct flow_key keys[REACH_MAX_VIEWS])
{
	const struct grid *grid = s->grid;

	for (uint32_t i = grid->first_class[s->from];
	     i < grid->first_class[s->from + 1]; i++) {
		if (class_bits_has(sources, grid->classes[i]) &&
		    fill_in(s, grid->classes[i], to, slot, keys))
			return true;
	}
	return false;
}

int grid_example(struct grid *grid, uint32_t from, uint32_t to,
		 enum reach_change change, uint32_t slot,
		 struct flow_key keys[REACH_MAX_VIEWS])
{
	struct search search = { .grid = grid, .from = from, .to = to };
	size_t n;

	search.classes = reach_classes(grid->reach, &n);
	search.pods = reach_pods(grid->reach, &n);
	for (uint32_t i = grid->first_class[to]; i < grid->first_class[to + 1];
	     i++) {
		struct reach_column column;
		int r = read_column(grid, grid->classes[i], &column);

		if (r < 0)
			return r;
		if (search_class(&search, grid->classes[i],
				 find_sources(&column, change, slot), slot,
				 keys))
			return 0;
	}
	return -ENOENT;
}
