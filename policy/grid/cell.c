/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cell is about all pairs of classes, one of each bundle. At each slot they
 * are counted: where all pairs are allowed, the slot is allowed to all, and
 * where some are, to some. Pairs are of classes, not of pods: of how many pods
 * a class is does not matter to what is true of all of them.
 */
#include "grid/cell.h"

#include <errno.h>
#include <string.h>

#include "grid/bundle.h"
#include "grid/slot_set.h"
#include "netpold/grid.h"
#include "reach/segment_reader.h"

/* What a set becomes with more slots, remembered for the slots in work. */
#define N_GROWN 64

struct work {
	struct cells *cells;
	uint32_t to;
	struct segment_reader *readers; /* of each class of the destination */
	const struct reach_segment **at;
	struct slot_range slots;
	size_t layer;
	int failed; /* negative errno */
	struct {
		uint32_t from, to; /* from 0: nothing is remembered */
	} grown[N_GROWN];
	uint32_t grown_from_none;
};

int cells_init(struct cells *cells, struct arena *arena)
{
	uint32_t n = cells->bundles->n;

	for (size_t i = 0; i < cells->n_layers; i++) {
		cells->cells[i] =
			arena_array(arena, n, sizeof(struct grid_cell));
		if (!cells->cells[i])
			return -ENOMEM;
	}
	cells->sources = arena_array(arena, n, sizeof(uint32_t));
	cells->is_source = arena_array(arena, n, sizeof(bool));
	cells->counts = arena_array(arena, n, sizeof(uint32_t));
	cells->counted = arena_array(arena, n, sizeof(uint32_t));
	return cells->sources && cells->is_source && cells->counts &&
			       cells->counted
		       ? 0
		       : -ENOMEM;
}

void cells_release(struct cells *cells)
{
	arena_release(&cells->arena);
}

static void forget(struct cells *cells)
{
	for (size_t i = 0; i < cells->n_sources; i++) {
		uint32_t source = cells->sources[i];

		for (size_t k = 0; k < cells->n_layers; k++)
			cells->cells[k][source] = (struct grid_cell){ 0 };
		cells->is_source[source] = false;
	}
	cells->n_sources = 0;
}

/* ---- sets that grow ----------------------------------------------------- */

/* Most sources have the same set before, and so have it after. */
static int grow(struct work *w, uint32_t *set)
{
	uint32_t from = *set;
	int r;

	if (from && w->grown[from % N_GROWN].from == from) {
		*set = w->grown[from % N_GROWN].to;
		return 0;
	}
	if (!from && w->grown_from_none) {
		*set = w->grown_from_none;
		return 0;
	}
	r = slot_sets_extend(w->cells->slots, set, w->slots);
	if (r < 0)
		return r;
	if (!from) {
		w->grown_from_none = *set;
		return 0;
	}
	w->grown[from % N_GROWN].from = from;
	w->grown[from % N_GROWN].to = *set;
	return 0;
}

/* The slots in work are of all flows from a source, or of some. */
static void extend_cell(struct work *w, uint32_t source, bool all)
{
	struct cells *cells = w->cells;
	struct grid_cell *cell = &cells->cells[w->layer][source];
	int r;

	if (!cells->is_source[source]) {
		cells->is_source[source] = true;
		cells->sources[cells->n_sources++] = source;
	}
	r = grow(w, all ? &cell->all : &cell->some);
	w->failed = r < 0 ? r : w->failed;
}

/* ---- counting ----------------------------------------------------------- */

/* Whether a pair of classes is one pod and itself. */
static bool is_self(const struct work *w, uint32_t source, uint32_t class,
		    uint32_t place)
{
	const struct bundle *to = &w->cells->bundles->items[w->to];

	return source == w->to && to->classes[place] == class &&
	       to->is_alone[place] && !w->cells->with_self;
}

static bool counts_for(const struct work *w, uint32_t source)
{
	const struct bundle *bundles = w->cells->bundles->items;

	return !w->cells->narrowed || bundles[source].is_inside ||
	       bundles[w->to].is_inside;
}

static void count_source(struct work *w, uint32_t source)
{
	struct cells *cells = w->cells;

	if (cells->counts[source]++ == 0)
		cells->counted[cells->n_counted++] = source;
}

/* Between one class and one class there is one pair, and no need to count. */
static bool is_one_pair(const struct work *w, uint32_t source)
{
	const struct bundle *bundles = w->cells->bundles->items;

	return bundles[source].n == 1 && bundles[w->to].n == 1;
}

static void take_class(struct work *w, uint32_t class, uint32_t place)
{
	const struct bundles *bundles = w->cells->bundles;

	for (uint32_t i = bundles->first[class]; i < bundles->first[class + 1];
	     i++) {
		uint32_t source = bundles->of_class[i];

		if (!counts_for(w, source) || is_self(w, source, class, place))
			continue;
		if (is_one_pair(w, source))
			extend_cell(w, source, true);
		else
			count_source(w, source);
	}
}

static void take_bits(struct work *w, const struct class_bits *bits,
		      uint32_t place)
{
	for (uint32_t i = 0; i < bits->n; i++) {
		uint64_t word = bits->words[i];

		for (; word; word &= word - 1)
			take_class(w,
				   (bits->first + i) * 64 +
					   (uint32_t)__builtin_ctzll(word),
				   place);
	}
}

/* Who was counted gets the slots, too. */
static void settle(struct work *w)
{
	struct cells *cells = w->cells;

	for (size_t i = 0; i < cells->n_counted; i++) {
		uint32_t source = cells->counted[i];
		uint32_t n = bundles_n_pairs(cells->bundles, source, w->to,
					     cells->with_self);

		extend_cell(w, source, cells->counts[source] == n);
		cells->counts[source] = 0;
	}
	cells->n_counted = 0;
}

/* ---- the columns of all classes ----------------------------------------- */

static int keep_bits(struct arena *arena, struct class_bits *bits)
{
	uint64_t *words = arena_array(arena, bits->n, sizeof(*words));

	if (!words)
		return -ENOMEM;
	if (bits->n)
		memcpy(words, bits->words, bits->n * sizeof(*words));
	bits->words = words;
	return 0;
}

/* A copy that stays when the next class is asked. */
static int keep_column(struct cells *cells, struct reach_column *column)
{
	struct reach_segment *segments =
		arena_array(&cells->arena, column->n, sizeof(*segments));
	int r = 0;

	if (!segments)
		return -ENOMEM;
	for (size_t i = 0; i < column->n && r == 0; i++) {
		segments[i] = column->segments[i];
		for (size_t k = 0; k < cells->n_layers && r == 0; k++)
			r = keep_bits(&cells->arena, &segments[i].sources[k]);
	}
	column->segments = segments;
	return r;
}

static int read_columns(struct work *w)
{
	struct cells *cells = w->cells;
	const struct bundle *to = &cells->bundles->items[w->to];

	w->readers = arena_array(&cells->arena, to->n, sizeof(*w->readers));
	w->at = arena_array(&cells->arena, to->n, sizeof(void *));
	if (!w->readers || !w->at)
		return -ENOMEM;
	for (uint32_t i = 0; i < to->n; i++) {
		struct reach_column column;
		int r;

		r = cells->n_layers == 1
			    ? reach_column(cells->reach, REACH_OLD,
					   to->classes[i], &column)
			    : reach_changes(cells->reach, to->classes[i],
					    &column);
		if (r == 0 && to->n > 1)
			r = keep_column(cells, &column);
		if (r < 0)
			return r;
		w->readers[i] = segment_reader_of(&column);
	}
	return 0;
}

/* All that is true at the slots in work. */
static void compute_slots(struct work *w)
{
	uint32_t n = w->cells->bundles->items[w->to].n;

	memset(w->grown, 0, sizeof(w->grown));
	w->grown_from_none = 0;
	for (w->layer = 0; w->layer < w->cells->n_layers; w->layer++) {
		for (uint32_t i = 0; i < n; i++) {
			if (w->at[i])
				take_bits(w, &w->at[i]->sources[w->layer], i);
		}
		settle(w);
	}
}

int cells_compute(struct cells *cells, uint32_t to)
{
	struct work w = { .cells = cells, .to = to };
	uint32_t at = 0, next;

	forget(cells);
	arena_clear(&cells->arena);
	w.failed = read_columns(&w);
	for (; at < N_SLOTS && w.failed == 0; at = next) {
		next = N_SLOTS;
		for (uint32_t i = 0; i < cells->bundles->items[to].n; i++)
			w.at[i] = segment_reader_at(&w.readers[i], at, &next);
		w.slots = (struct slot_range){ at, next - 1 };
		compute_slots(&w);
	}
	return w.failed;
}
