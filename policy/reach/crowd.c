/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which classes are in a crowd, and which have rules. All of a class is in a
 * crowd or nothing of it: that is how classes were made. So of blocks one
 * address of the class is asked, and of pods one identity.
 */
#include <errno.h>

#include "reach/identity_index.h"
#include "table/snapshot_parts.h"

struct filling {
	struct reach *reach;
	struct view *view;
	enum reach_view number;
	struct identity_index index;
	struct arena scratch;
	struct bit_field field;
};

static int keep(struct filling *f, struct class_bits *out)
{
	int r = bit_field_keep(&f->field, &f->reach->arena, out);

	bit_field_clear(&f->field);
	return r;
}

/* ---- what a class is in one snapshot ------------------------------------ */

static int view_classes(struct filling *f)
{
	struct reach *reach = f->reach;
	struct view *view = f->view;

	view->classes = arena_array(&reach->arena, reach->n_classes,
				    sizeof(*view->classes));
	if (!view->classes)
		return -ENOMEM;
	for (size_t i = 0; i < reach->n_classes; i++) {
		struct reach_class *class = &reach->classes[i];
		struct class_view *seen = &view->classes[i];
		const struct identity_view *identity;

		if (class->is_outside)
			continue;
		seen->identity =
			reach->pods.identities[f->number][class->members[0]];
		identity = identity_views_get(view->snapshot->views,
					      seen->identity);
		for (int dir = 0; dir < N_DIRECTIONS; dir++) {
			seen->rules[dir] = view_find_rules(
				view, dir, identity->rules[dir]);
			class->isolated[f->number][dir] = seen->rules[dir];
		}
	}
	return 0;
}

static int fill_users(struct filling *f, enum direction dir)
{
	struct view *view = f->view;
	size_t n = view->n_rules[dir];
	/* Classes of each rules, in chains. */
	uint32_t *heads = arena_array(&f->scratch, n, sizeof(*heads));
	uint32_t *nexts =
		arena_array(&f->scratch, f->reach->n_classes, sizeof(*nexts));
	int r = 0;

	if (!heads || !nexts)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->reach->n_classes; i++) {
		const struct rule_terms *rules = view->classes[i].rules[dir];

		if (!rules)
			continue;
		nexts[i] = heads[rules - view->rules[dir]];
		heads[rules - view->rules[dir]] = i + 1;
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		for (uint32_t at = heads[i]; at; at = nexts[at - 1])
			bit_field_set(&f->field, at - 1);
		r = keep(f, &view->rules[dir][i].users);
	}
	return r;
}

static int fill_free(struct filling *f)
{
	for (uint32_t i = 0; i < f->reach->n_classes; i++) {
		if (!f->view->classes[i].rules[DIRECTION_EGRESS])
			bit_field_set(&f->field, i);
	}
	return keep(f, &f->view->free);
}

/* ---- crowds ------------------------------------------------------------- */

static void add_pods(void *ctx, const uint32_t *pods, size_t n)
{
	struct filling *f = ctx;

	for (size_t i = 0; i < n; i++)
		bit_field_set(&f->field, f->reach->pods.items[pods[i]].class);
}

static const struct ip_addr *addr_of(const struct filling *f, uint32_t class)
{
	const struct reach_class *c = &f->reach->classes[class];
	uint32_t member = c->members[0];

	return c->is_outside ? &f->reach->ranges[member].first
			     : &f->reach->pods.items[member].addrs[f->number];
}

static void add_blocks(struct filling *f, const struct block_set *set)
{
	for (uint32_t i = 0; i < f->reach->n_classes; i++) {
		if (block_set_has(set, addr_of(f, i)))
			bit_field_set(&f->field, i);
	}
}

static void add_anyone(struct filling *f)
{
	for (uint32_t i = 0; i < f->reach->n_classes; i++)
		bit_field_set(&f->field, i);
}

static int fill_crowd(struct filling *f, struct crowd *crowd)
{
	switch (member_kind(crowd->member)) {
	case MEMBER_PEERS:
		identity_index_each(&f->index, member_what(crowd->member),
				    add_pods, f);
		break;
	case MEMBER_BLOCKS:
		add_blocks(f, member_what(crowd->member));
		break;
	case MEMBER_ANYONE:
		add_anyone(f);
		break;
	}
	return keep(f, &crowd->classes);
}

/* ---- all of it ---------------------------------------------------------- */

static int fill(struct filling *f)
{
	struct reach *reach = f->reach;
	int r = bit_field_init(&f->field, &f->scratch, reach->n_classes);

	if (r == 0)
		r = identity_index_make(&f->scratch, reach, f->number,
					&f->index);
	if (r == 0)
		r = view_classes(f);
	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
		r = fill_users(f, dir);
	if (r == 0)
		r = fill_free(f);
	for (size_t i = 0; i < f->view->n_crowds && r == 0; i++)
		r = fill_crowd(f, &f->view->crowds[i]);
	return r;
}

int view_fill_crowds(struct reach *reach, enum reach_view view)
{
	struct filling filling = {
		.reach = reach,
		.view = &reach->views[view],
		.number = view,
	};
	int r = fill(&filling);

	arena_release(&filling.scratch);
	return r;
}
