/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Egress turned round: from "these classes may go there" to "there may come
 * these classes". All egress terms, sorted by where they lead, and what leads
 * to the same place at the same slots put together.
 */
#include <errno.h>
#include <stdlib.h>

#include "reach/parts.h"

/* A term and whose it is. */
struct turned {
	uint32_t crowd;
	struct slot_range slots;
	const char *name; /* NULL: slots */
	uint8_t protocol;
	const struct rule_terms *rules;
};

struct turning {
	struct reach *reach;
	struct view *view;
	struct arena scratch;
	struct bit_field field;
	struct turned *items;
	size_t n;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return 0;
}

/* By where it leads. */
static int compare_places(const struct turned *p, const struct turned *q)
{
	int order = compare_numbers(p->crowd, q->crowd);

	if (order == 0)
		order = compare_numbers((uintptr_t)p->name, (uintptr_t)q->name);
	if (order == 0)
		order = compare_numbers(p->protocol, q->protocol);
	if (order == 0)
		order = compare_numbers(p->slots.first, q->slots.first);
	if (order == 0)
		order = compare_numbers(p->slots.last, q->slots.last);
	return order;
}

static int compare(const void *a, const void *b)
{
	const struct turned *p = a, *q = b;
	int order = compare_places(p, q);

	return order ? order
		     : compare_numbers((uintptr_t)p->rules,
				       (uintptr_t)q->rules);
}

/* ---- gathering ---------------------------------------------------------- */

/* Crowds that are nobody need no grants. */
static bool is_anybody(const struct turning *t, uint32_t crowd)
{
	return t->view->crowds[crowd].classes.n > 0;
}

static void gather(struct turning *t, const struct rule_terms *rules)
{
	for (size_t i = 0; i < rules->n_terms; i++) {
		const struct term *term = &rules->terms[i];

		if (is_anybody(t, term->crowd))
			t->items[t->n++] = (struct turned){
				.crowd = term->crowd,
				.slots = term->slots,
				.rules = rules,
			};
	}
	for (size_t i = 0; i < rules->n_named; i++) {
		const struct named_term *named = &rules->named[i];

		if (is_anybody(t, named->crowd))
			t->items[t->n++] = (struct turned){
				.crowd = named->crowd,
				.name = named->name,
				.protocol = named->protocol,
				.rules = rules,
			};
	}
}

static int gather_all(struct turning *t)
{
	const struct rule_terms *rules = t->view->rules[DIRECTION_EGRESS];
	size_t n_rules = t->view->n_rules[DIRECTION_EGRESS], room = 0;

	for (size_t i = 0; i < n_rules; i++)
		room += rules[i].n_terms + rules[i].n_named;
	t->items = arena_array(&t->scratch, room, sizeof(*t->items));
	if (!t->items)
		return -ENOMEM;
	for (size_t i = 0; i < n_rules; i++)
		gather(t, &rules[i]);
	if (t->n > 1)
		qsort(t->items, t->n, sizeof(*t->items), compare);
	return 0;
}

/* ---- putting together --------------------------------------------------- */

static size_t count_places(const struct turning *t, bool named)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if ((t->items[i].name != NULL) != named)
			continue;
		n += i == 0 ||
		     compare_places(&t->items[i - 1], &t->items[i]) != 0;
	}
	return n;
}

static void enter(struct turning *t, const struct turned *place,
		  struct class_bits sources, uint32_t *n_grants,
		  uint32_t *n_named)
{
	struct crowd *crowd = &t->view->crowds[place->crowd];

	if (place->name) {
		if (crowd->n_named++ == 0)
			crowd->first_named = *n_named;
		t->view->named_grants[(*n_named)++] =
			(struct named_grant){ place->name, place->protocol,
					      sources };
		return;
	}
	if (crowd->n_grants++ == 0)
		crowd->first_grant = *n_grants;
	t->view->grants[(*n_grants)++] =
		(struct grant){ place->slots, sources };
}

static int put_together(struct turning *t)
{
	struct arena *arena = &t->reach->arena;
	uint32_t n_grants = 0, n_named = 0;

	t->view->grants = arena_array(arena, count_places(t, false),
				      sizeof(*t->view->grants));
	t->view->named_grants = arena_array(arena, count_places(t, true),
					    sizeof(*t->view->named_grants));
	if (!t->view->grants || !t->view->named_grants)
		return -ENOMEM;
	for (size_t i = 0; i < t->n;) {
		const struct turned *place = &t->items[i];
		struct class_bits sources;

		for (; i < t->n && compare_places(place, &t->items[i]) == 0;
		     i++)
			bit_field_add(&t->field, &t->items[i].rules->users);
		if (bit_field_keep(&t->field, arena, &sources) < 0)
			return -ENOMEM;
		bit_field_clear(&t->field);
		enter(t, place, sources, &n_grants, &n_named);
	}
	return 0;
}

static int list_granting(struct turning *t)
{
	struct view *view = t->view;

	view->granting = arena_array(&t->reach->arena, view->n_crowds,
				     sizeof(*view->granting));
	if (!view->granting)
		return -ENOMEM;
	for (size_t i = 0; i < view->n_crowds; i++) {
		if (view->crowds[i].n_grants || view->crowds[i].n_named)
			view->granting[view->n_granting++] = (uint32_t)i;
	}
	return 0;
}

int view_turn_egress(struct reach *reach, enum reach_view view)
{
	struct turning turning = { .reach = reach,
				   .view = &reach->views[view] };
	int r = bit_field_init(&turning.field, &turning.scratch,
			       reach->n_classes);

	if (r == 0)
		r = gather_all(&turning);
	if (r == 0)
		r = put_together(&turning);
	if (r == 0)
		r = list_granting(&turning);
	arena_release(&turning.scratch);
	return r;
}
