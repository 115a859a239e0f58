/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is different between two columns: both are gone through side by side,
 * and wherever they differ, somebody may what he might not before, or the
 * reverse.
 */
#include <errno.h>

#include "reach/parts.h"
#include "reach/segment_reader.h"

/* Both at the same slots; NULL: nobody there. */
struct step {
	struct slot_range slots;
	const struct reach_segment *views[REACH_MAX_VIEWS];
};

struct comparison {
	struct reach *reach;
	struct segment_reader readers[REACH_MAX_VIEWS];
	struct reach_segment *segments;
	size_t n;
};

static const struct class_bits nobody;

/* The words of a layer in both snapshots at once. */
struct words {
	uint64_t allowed[REACH_MAX_VIEWS];
	uint64_t let_in[REACH_MAX_VIEWS];
};

static struct words words_at(const struct step *step, uint32_t i)
{
	struct words w = { 0 };

	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		const struct reach_segment *segment = step->views[v];

		if (!segment)
			continue;
		w.allowed[v] =
			class_bits_word(&segment->sources[LAYER_ALLOWED], i);
		w.let_in[v] =
			class_bits_word(&segment->sources[LAYER_LET_IN], i);
	}
	return w;
}

static void compare_words(const struct words *w, uint64_t out[N_REACH_CHANGES])
{
	uint64_t opens = w->allowed[REACH_NEW] & ~w->allowed[REACH_OLD];
	uint64_t closes = w->allowed[REACH_OLD] & ~w->allowed[REACH_NEW];

	out[OPENS_BY_INGRESS] = opens & ~w->let_in[REACH_OLD];
	out[OPENS_BY_EGRESS] = opens & w->let_in[REACH_OLD];
	out[CLOSES_BY_INGRESS] = closes & ~w->let_in[REACH_NEW];
	out[CLOSES_BY_EGRESS] = closes & w->let_in[REACH_NEW];
}

/* All words in which either snapshot allows anybody. */
static void find_words(const struct step *step, uint32_t *first, uint32_t *end)
{
	*first = UINT32_MAX;
	*end = 0;
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		const struct class_bits *bits =
			step->views[v] ? &step->views[v]->sources[LAYER_ALLOWED]
				       : &nobody;

		if (bits->n == 0)
			continue;
		*first = bits->first < *first ? bits->first : *first;
		*end = bits->first + bits->n > *end ? bits->first + bits->n
						    : *end;
	}
}

static bool is_same(const struct step *step)
{
	const struct class_bits *bits[REACH_MAX_VIEWS];

	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		bits[v] = step->views[v]
				  ? &step->views[v]->sources[LAYER_ALLOWED]
				  : &nobody;
	return class_bits_equal(bits[REACH_OLD], bits[REACH_NEW]);
}

static int compare_step(struct comparison *c, const struct step *step)
{
	struct reach_segment *out = &c->segments[c->n];
	uint64_t *words[N_REACH_CHANGES];
	uint32_t first, end;

	if (is_same(step))
		return 0;
	find_words(step, &first, &end);
	for (int i = 0; i < N_REACH_CHANGES; i++) {
		words[i] = arena_array(&c->reach->change_arena, end - first,
				       sizeof(uint64_t));
		if (!words[i])
			return -ENOMEM;
	}
	for (uint32_t i = first; i < end; i++) {
		const struct words w = words_at(step, i);
		uint64_t changes[N_REACH_CHANGES];

		compare_words(&w, changes);
		for (int k = 0; k < N_REACH_CHANGES; k++)
			words[k][i - first] = changes[k];
	}
	out->slots = step->slots;
	for (int i = 0; i < N_REACH_CHANGES; i++)
		out->sources[i] = class_bits_trimmed(
			(struct class_bits){ words[i], first, end - first });
	c->n++;
	return 0;
}

static int compare(struct comparison *c)
{
	uint32_t at = 0;
	int r = 0;

	while (at < N_SLOTS && r == 0) {
		uint32_t next = N_SLOTS;
		struct step step;

		for (int v = 0; v < REACH_MAX_VIEWS; v++)
			step.views[v] =
				segment_reader_at(&c->readers[v], at, &next);
		step.slots = (struct slot_range){ at, next - 1 };
		if (step.views[REACH_OLD] || step.views[REACH_NEW])
			r = compare_step(c, &step);
		at = next;
	}
	return r;
}

int reach_changes(struct reach *reach, uint32_t to, struct reach_column *out)
{
	struct comparison c = { .reach = reach };
	size_t n = 1;
	int r;

	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		struct reach_column column;

		r = column_compute(reach, v, to, true, &column);
		if (r < 0)
			return r;
		c.readers[v] = segment_reader_of(&column);
		n += 2 * column.n;
	}
	arena_clear(&reach->change_arena);
	c.segments = arena_array(&reach->change_arena, n, sizeof(*c.segments));
	if (!c.segments)
		return -ENOMEM;
	r = compare(&c);
	*out = (struct reach_column){ c.segments, c.n };
	return r;
}
