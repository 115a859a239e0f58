/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may reach one class, slot by slot.
 *
 * What its ingress says, and what the egress of others says about it, are
 * pieces: an interval of slots, and the classes that may there. One sweep over
 * the slots stops wherever a piece begins or ends; between two stops the
 * answer is the same: those that some piece of ingress lets in, of those that
 * some piece of egress lets out or that egress does not isolate.
 *
 *	ingress	  |-- 80-90: A B --|		at 80-84	A
 *	egress	  |- 80-84: A -|		at 85-90	nobody
 *	free	  C
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reach/own_node.h"
#include "table/snapshot_parts.h"

struct piece {
	struct slot_range slots;
	const struct class_bits *classes;
	bool is_ingress;
};

struct sweep {
	struct reach *reach;
	const struct view *view;
	struct arena *arena;
	uint32_t to;
	struct class_bits base; /* who may come at all */
	bool isolated;		/* its ingress says who */
	bool want_let_in;
	struct piece *pieces; /* by their first slots */
	size_t n_pieces, capacity;
	const struct piece **active; /* at the slots in work */
	size_t n_active;
	struct reach_segment *segments;
	size_t n_segments, segments_capacity;
};

/* ---- pieces ------------------------------------------------------------- */

static int add_piece(struct sweep *s, struct slot_range slots,
		     const struct class_bits *classes, bool is_ingress)
{
	struct piece *pieces = arena_room(s->arena, s->pieces, s->n_pieces,
					  &s->capacity, sizeof(*pieces));

	if (!pieces)
		return -ENOMEM;
	s->pieces = pieces;
	pieces[s->n_pieces++] = (struct piece){ slots, classes, is_ingress };
	return 0;
}

static int add_ingress(struct sweep *s)
{
	const struct rule_terms *rules =
		s->view->classes[s->to].rules[DIRECTION_INGRESS];
	int r = 0;

	s->isolated = rules != NULL;
	for (size_t i = 0; rules && i < rules->n_terms && r == 0; i++) {
		const struct term *term = &rules->terms[i];
		const struct crowd *crowd = &s->view->crowds[term->crowd];

		if (crowd->classes.n)
			r = add_piece(s, term->slots, &crowd->classes, true);
	}
	return r;
}

/* The numbers that the class has under a name. */
static int add_named(struct sweep *s, const struct named_grant *grant)
{
	uint32_t identity = s->view->classes[s->to].identity;
	const struct named_ports *ports =
		&identity_views_get(s->view->snapshot->views, identity)
			 ->identity->ports;
	int r = 0;

	for (size_t i = 0; i < ports->n && r == 0; i++) {
		const struct container_port *p = &ports->items[i];
		uint32_t slot;

		if (p->name != grant->name || p->protocol != grant->protocol)
			continue;
		slot = port_protocol(p->protocol) * SLOT_UDP + p->number;
		r = add_piece(s, (struct slot_range){ slot, slot },
			      &grant->sources, false);
	}
	return r;
}

static int add_grants(struct sweep *s, const struct crowd *crowd)
{
	const struct grant *grants = s->view->grants + crowd->first_grant;
	const struct named_grant *named =
		s->view->named_grants + crowd->first_named;
	int r = 0;

	for (uint32_t i = 0; i < crowd->n_grants && r == 0; i++)
		r = add_piece(s, grants[i].slots, &grants[i].sources, false);
	/* Names are of pods (NP-47). */
	if (s->reach->classes[s->to].is_outside)
		return r;
	for (uint32_t i = 0; i < crowd->n_named && r == 0; i++)
		r = add_named(s, &named[i]);
	return r;
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *p = a, *q = b;

	if (p->slots.first != q->slots.first)
		return p->slots.first < q->slots.first ? -1 : 1;
	return 0;
}

static int gather_pieces(struct sweep *s)
{
	int r = add_ingress(s);

	for (size_t i = 0; i < s->view->n_granting && r == 0; i++) {
		const struct crowd *crowd =
			&s->view->crowds[s->view->granting[i]];

		if (class_bits_has(&crowd->classes, s->to))
			r = add_grants(s, crowd);
	}
	if (s->n_pieces > 1)
		qsort(s->pieces, s->n_pieces, sizeof(*s->pieces),
		      compare_pieces);
	return r;
}

/* ---- one stop ----------------------------------------------------------- */

/* Fill in who may, from what is active. */
static void judge(struct sweep *s)
{
	struct bit_field *in = &s->reach->let_in, *out = &s->reach->let_out;
	struct class_bits let_in;

	bit_field_clear(in);
	bit_field_clear(out);
	if (!s->isolated)
		bit_field_add(in, &s->base);
	for (size_t i = 0; i < s->n_active; i++) {
		if (s->active[i]->is_ingress)
			bit_field_add(in, s->active[i]->classes);
	}
	bit_field_limit(in, &s->base);
	let_in = bit_field_bits(in);
	if (let_in.n == 0)
		return;
	bit_field_add(out, &s->view->free);
	for (size_t i = 0; i < s->n_active; i++) {
		if (!s->active[i]->is_ingress)
			bit_field_add(out, s->active[i]->classes);
	}
	bit_field_limit(out, &let_in);
}

/* Add a segment, or make the last one longer. */
static int add_segment(struct sweep *s, struct slot_range slots)
{
	struct reach_segment *last =
		s->n_segments ? &s->segments[s->n_segments - 1] : NULL;
	struct class_bits allowed = bit_field_bits(&s->reach->let_out);
	struct class_bits let_in = { 0 };
	struct reach_segment *segments;

	if (s->want_let_in)
		let_in = bit_field_bits(&s->reach->let_in);
	if (allowed.n == 0 && let_in.n == 0)
		return 0;
	if (last && last->slots.last + 1 == slots.first &&
	    class_bits_equal(&last->sources[LAYER_ALLOWED], &allowed) &&
	    class_bits_equal(&last->sources[LAYER_LET_IN], &let_in)) {
		last->slots.last = slots.last;
		return 0;
	}
	segments = arena_room(s->arena, s->segments, s->n_segments,
			      &s->segments_capacity, sizeof(*segments));
	if (!segments)
		return -ENOMEM;
	s->segments = segments;
	segments += s->n_segments++;
	segments->slots = slots;
	if (bit_field_keep(&s->reach->let_out, s->arena,
			   &segments->sources[LAYER_ALLOWED]) < 0)
		return -ENOMEM;
	return s->want_let_in ? bit_field_keep(&s->reach->let_in, s->arena,
					       &segments->sources[LAYER_LET_IN])
			      : 0;
}

/* ---- the sweep ---------------------------------------------------------- */

/* What ends before a slot goes. Returns where the next stop is. */
static uint32_t drop_ended(struct sweep *s, uint32_t at)
{
	uint32_t next = N_SLOTS;
	size_t n = 0;

	for (size_t i = 0; i < s->n_active; i++) {
		uint32_t end = s->active[i]->slots.last + 1;

		if (end <= at)
			continue;
		s->active[n++] = s->active[i];
		next = end < next ? end : next;
	}
	s->n_active = n;
	return next;
}

static int sweep(struct sweep *s)
{
	uint32_t at = 0;
	size_t i = 0;
	int r = 0;

	s->active = arena_array(s->arena, s->n_pieces, sizeof(void *));
	if (!s->active)
		return -ENOMEM;
	while (at < N_SLOTS && r == 0) {
		uint32_t next;

		for (; i < s->n_pieces && s->pieces[i].slots.first <= at; i++)
			s->active[s->n_active++] = &s->pieces[i];
		next = drop_ended(s, at);
		if (i < s->n_pieces && s->pieces[i].slots.first < next)
			next = s->pieces[i].slots.first;
		judge(s);
		r = add_segment(s, (struct slot_range){ at, next - 1 });
		at = next;
	}
	return r;
}

/* Who may come at all: nobody outside to what is outside, and, where two
   snapshots are compared, nobody from the pods' own node (NP-54). */
static int find_base(struct sweep *s)
{
	const struct reach *reach = s->reach;
	const struct reach_class *class = &reach->classes[s->to];
	int family = family_index(class->family);
	const struct class_bits *everyone = &reach->everyone[family];
	uint64_t *words;

	s->base = class->is_outside ? reach->every_pod[family] : *everyone;
	if (class->is_outside || reach->n_node_classes == 0)
		return 0;
	words = arena_array(s->arena, everyone->n, sizeof(*words));
	if (!words)
		return -ENOMEM;
	memcpy(words, everyone->words, everyone->n * sizeof(*words));
	for (size_t i = 0; i < reach->n_node_classes; i++) {
		uint32_t from =
			reach->ranges[reach->node_classes[i].range].class;

		if (reach_is_own_node(reach, from, s->to))
			words[from / 64 - everyone->first] &=
				~(UINT64_C(1) << from % 64);
	}
	s->base.words = words;
	return 0;
}

int column_compute(struct reach *reach, enum reach_view view, uint32_t to,
		   bool want_let_in, struct reach_column *out)
{
	struct sweep s = {
		.reach = reach,
		.view = &reach->views[view],
		.arena = &reach->column_arenas[view],
		.to = to,
		.want_let_in = want_let_in,
	};
	int r;

	arena_clear(s.arena);
	r = find_base(&s);
	if (r == 0)
		r = gather_pieces(&s);
	if (r == 0)
		r = sweep(&s);
	*out = (struct reach_column){ s.segments, s.n_segments };
	return r;
}

int reach_column(struct reach *reach, enum reach_view view, uint32_t to,
		 struct reach_column *out)
{
	return column_compute(reach, view, to, false, out);
}
