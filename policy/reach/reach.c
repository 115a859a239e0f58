/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/reach.h"

#include <errno.h>
#include <stdlib.h>

#include "reach/parts.h"
#include "table/rule_table.h"

/* ---- life --------------------------------------------------------------- */

void reach_free(struct reach *reach)
{
	if (!reach)
		return;
	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		arena_release(&reach->column_arenas[v]);
	arena_release(&reach->change_arena);
	arena_release(&reach->arena);
	free(reach);
}

void reach_freep(struct reach **reach)
{
	reach_free(*reach);
}

/* Who may come at all: no policy is asked about who is of another family. */
static int list_everyone(struct reach *reach, int family)
{
	struct bit_field *field = &reach->let_in;
	int r;

	for (uint32_t i = 0; i < reach->n_classes; i++) {
		if (family_index(reach->classes[i].family) == family &&
		    !reach->classes[i].is_outside)
			bit_field_set(field, i);
	}
	r = bit_field_keep(field, &reach->arena, &reach->every_pod[family]);
	for (uint32_t i = 0; i < reach->n_classes; i++) {
		if (family_index(reach->classes[i].family) == family)
			bit_field_set(field, i);
	}
	if (r == 0)
		r = bit_field_keep(field, &reach->arena,
				   &reach->everyone[family]);
	bit_field_clear(field);
	return r;
}

static int make(struct reach *reach, const struct reach_options *options)
{
	int r = pod_list_make(&reach->arena, options->snapshots, reach->n_views,
			      &reach->pods);

	for (size_t v = 0; v < reach->n_views && r == 0; v++)
		r = view_spell_out(reach, v);
	if (r == 0)
		r = reach_sort(reach, options);
	for (size_t v = 0; v < reach->n_views && r == 0; v++) {
		r = view_fill_crowds(reach, v);
		if (r == 0)
			r = view_turn_egress(reach, v);
	}
	if (r == 0)
		r = bit_field_init(&reach->let_in, &reach->arena,
				   reach->n_classes);
	if (r == 0)
		r = bit_field_init(&reach->let_out, &reach->arena,
				   reach->n_classes);
	for (int f = 0; f < 2 && r == 0; f++)
		r = list_everyone(reach, f);
	return r;
}

int reach_new(const struct reach_options *options, struct reach **out,
	      struct err *err)
{
	struct reach *reach = calloc(1, sizeof(*reach));
	int r = -ENOMEM;

	if (reach) {
		reach->n_views = options->n_snapshots;
		for (size_t v = 0; v < reach->n_views; v++)
			reach->views[v].snapshot = options->snapshots[v];
		r = make(reach, options);
	}
	if (r < 0) {
		reach_free(reach);
		return err_set(err, r,
			       "not enough memory to see who may reach whom");
	}
	*out = reach;
	return 0;
}

/* ---- what there is ------------------------------------------------------ */

const struct reach_pod *reach_pods(const struct reach *reach, size_t *n)
{
	*n = reach->pods.n;
	return reach->pods.items;
}

const struct reach_range *reach_ranges(const struct reach *reach, size_t *n)
{
	*n = reach->n_ranges;
	return reach->ranges;
}

const struct reach_leftover *reach_leftovers(const struct reach *reach,
					     size_t *n)
{
	*n = reach->pods.n_leftovers;
	return reach->pods.leftovers;
}

const struct reach_class *reach_classes(const struct reach *reach, size_t *n)
{
	*n = reach->n_classes;
	return reach->classes;
}

size_t reach_policies(const struct reach *reach, enum reach_view view,
		      uint32_t class, enum direction dir,
		      const struct object *const **policies)
{
	const struct rule_terms *rules =
		reach->views[view].classes[class].rules[dir];

	*policies = NULL;
	return rules ? rule_table_policies(rules->lookup->table, policies) : 0;
}
