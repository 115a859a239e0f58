/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From look-ups to terms. Slots in a row that lead to one crowd are one term in
 * the end, so that "every port of every protocol" is one, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reach/parts.h"
#include "reach/walk.h"
#include "table/snapshot_parts.h"

/* What grows while rules are spelled out. */
struct spelling {
	struct reach *reach;
	struct view *view;
	struct arena scratch; /* of one step */
	uintptr_t *words;     /* of members */
	size_t n_words, words_capacity;
	struct term *terms;
	size_t n_terms, terms_capacity;
	struct named_term *named;
	size_t n_named, named_capacity;
};

/* ---- which rules there are ---------------------------------------------- */

static int compare_pointers(const void *a, const void *b)
{
	const uintptr_t *p = a, *q = b;

	if (*p != *q)
		return *p < *q ? -1 : 1;
	return 0;
}

/* Sort, and keep each once. */
static size_t unite(uintptr_t *items, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(items, n, sizeof(*items), compare_pointers);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || items[kept - 1] != items[i])
			items[kept++] = items[i];
	}
	return kept;
}

static int list_rules(struct spelling *s, const uint32_t *identities,
		      enum direction dir)
{
	const struct identity_views *views = s->view->snapshot->views;
	size_t n_pods = s->reach->pods.n, n = 0;
	uintptr_t *lookups = arena_array(&s->scratch, n_pods, sizeof(*lookups));
	struct rule_terms *rules;

	if (!lookups)
		return -ENOMEM;
	for (size_t i = 0; i < n_pods; i++) {
		lookups[n] = (uintptr_t)identity_views_get(views, identities[i])
				     ->rules[dir];
		n += lookups[n] != 0;
	}
	n = unite(lookups, n);
	rules = arena_array(&s->reach->arena, n, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rules[i].lookup = (const struct rule_lookup *)lookups[i];
	s->view->rules[dir] = rules;
	s->view->n_rules[dir] = n;
	return 0;
}

static int compare_rules(const void *a, const void *b)
{
	const struct rule_terms *p = a, *q = b;
	uintptr_t x = (uintptr_t)p->lookup, y = (uintptr_t)q->lookup;

	return compare_pointers(&x, &y);
}

const struct rule_terms *view_find_rules(const struct view *view,
					 enum direction dir,
					 const struct rule_lookup *lookup)
{
	const struct rule_terms wanted = { .lookup = lookup };

	if (!lookup)
		return NULL;
	return bsearch(&wanted, view->rules[dir], view->n_rules[dir],
		       sizeof(wanted), compare_rules);
}

/* ---- crowds ------------------------------------------------------------- */

static int note_member(void *ctx, const struct lookup_part *part)
{
	struct spelling *s = ctx;
	uintptr_t *words = arena_room(&s->scratch, s->words, s->n_words,
				      &s->words_capacity, sizeof(*words));

	if (!words)
		return -ENOMEM;
	s->words = words;
	words[s->n_words++] = part->member.word;
	return 0;
}

static int each_lookup(struct spelling *s, lookup_part_fn each)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; i < s->view->n_rules[dir]; i++) {
			const struct rule_terms *rules =
				&s->view->rules[dir][i];
			int r = lookup_walk(rules->lookup, each, s);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int list_crowds(struct spelling *s)
{
	struct view *view = s->view;
	int r = each_lookup(s, note_member);

	if (r < 0)
		return r;
	view->n_crowds = unite(s->words, s->n_words);
	view->crowds = arena_array(&s->reach->arena, view->n_crowds,
				   sizeof(*view->crowds));
	if (!view->crowds)
		return -ENOMEM;
	for (size_t i = 0; i < view->n_crowds; i++)
		view->crowds[i].member.word = s->words[i];
	return 0;
}

static int compare_crowds(const void *a, const void *b)
{
	const struct crowd *p = a, *q = b;

	return compare_pointers(&p->member.word, &q->member.word);
}

static uint32_t find_crowd(const struct view *view, struct member member)
{
	const struct crowd wanted = { .member = member };
	const struct crowd *crowd =
		bsearch(&wanted, view->crowds, view->n_crowds, sizeof(wanted),
			compare_crowds);

	return (uint32_t)(crowd - view->crowds);
}

/* ---- terms -------------------------------------------------------------- */

static int note_named(struct spelling *s, const struct lookup_part *part)
{
	struct named_term *named =
		arena_room(&s->scratch, s->named, s->n_named,
			   &s->named_capacity, sizeof(*named));

	if (!named)
		return -ENOMEM;
	s->named = named;
	named[s->n_named++] = (struct named_term){
		.name = part->name->name,
		.protocol = part->name->protocol,
		.crowd = find_crowd(s->view, part->member),
	};
	return 0;
}

static int note_term(void *ctx, const struct lookup_part *part)
{
	struct spelling *s = ctx;
	struct term *terms;

	if (part->name)
		return note_named(s, part);
	terms = arena_room(&s->scratch, s->terms, s->n_terms,
			   &s->terms_capacity, sizeof(*terms));
	if (!terms)
		return -ENOMEM;
	s->terms = terms;
	terms[s->n_terms++] =
		(struct term){ part->slots, find_crowd(s->view, part->member) };
	return 0;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return 0;
}

static int by_crowd(const void *a, const void *b)
{
	const struct term *p = a, *q = b;
	int order = compare_numbers(p->crowd, q->crowd);

	return order ? order : compare_numbers(p->slots.first, q->slots.first);
}

static int by_slot(const void *a, const void *b)
{
	const struct term *p = a, *q = b;
	int order = compare_numbers(p->slots.first, q->slots.first);

	return order ? order : compare_numbers(p->crowd, q->crowd);
}

/* Terms of one crowd that touch or overlap become one. */
static size_t merge_terms(struct term *terms, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(terms, n, sizeof(*terms), by_crowd);
	for (size_t i = 0; i < n; i++) {
		struct term *last = kept ? &terms[kept - 1] : NULL;

		if (!last || last->crowd != terms[i].crowd ||
		    terms[i].slots.first > last->slots.last + 1)
			terms[kept++] = terms[i];
		else if (terms[i].slots.last > last->slots.last)
			last->slots.last = terms[i].slots.last;
	}
	if (kept > 1)
		qsort(terms, kept, sizeof(*terms), by_slot);
	return kept;
}

static void *keep(struct arena *arena, const void *items, size_t n, size_t size)
{
	void *copy = arena_array(arena, n, size);

	return copy && n ? memcpy(copy, items, n * size) : copy;
}

static int spell_out(struct spelling *s, struct rule_terms *rules)
{
	struct arena *arena = &s->reach->arena;
	int r;

	s->n_terms = s->n_named = 0;
	r = lookup_walk(rules->lookup, note_term, s);
	if (r < 0)
		return r;
	rules->n_terms = merge_terms(s->terms, s->n_terms);
	rules->n_named = s->n_named;
	rules->terms = keep(arena, s->terms, rules->n_terms, sizeof(*s->terms));
	rules->named = keep(arena, s->named, s->n_named, sizeof(*s->named));
	return rules->terms && rules->named ? 0 : -ENOMEM;
}

static int spell_all(struct spelling *s)
{
	int r = 0;

	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
		r = list_rules(
			s, s->reach->pods.identities[s->view - s->reach->views],
			dir);
	if (r == 0)
		r = list_crowds(s);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; i < s->view->n_rules[dir] && r == 0; i++)
			r = spell_out(s, &s->view->rules[dir][i]);
	}
	return r;
}

int view_spell_out(struct reach *reach, enum reach_view view)
{
	struct spelling spelling = { .reach = reach,
				     .view = &reach->views[view] };
	int r = spell_all(&spelling);

	arena_release(&spelling.scratch);
	return r;
}
