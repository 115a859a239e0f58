/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A column of changes says, for one destination, what is new from whom.
 * Destinations to which the same is new from the same are one line. Lists of
 * sources are kept once for each line, so that what a small change touches in a
 * large cluster stays small.
 */
#include "command/diff_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256

/* A destination of a line. */
struct destination {
	uint32_t unit;
	uint32_t next; /* place + 1; 0: the end */
};

struct gathering {
	struct grid *grid;
	struct diff_lines *out;
	struct arena scratch;
	struct diff_line **buckets;
	size_t n_buckets; /* a power of two */
	size_t capacity;  /* of out->items */
	struct destination *destinations;
	size_t n_destinations, destinations_capacity;
};

/* ---- finding equal ones ------------------------------------------------- */

static size_t hash_line(const struct grid_line *line)
{
	uint64_t hash = (uint64_t)line->set << 3 | (uint64_t)line->change << 1 |
			line->is_some;

	for (size_t i = 0; i < line->n_sources; i++) {
		hash = (hash ^ line->sources[i]) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
	}
	return (size_t)(hash ^ hash >> 32);
}

static bool is_same(const struct diff_line *a, const struct grid_line *b)
{
	return a->change == b->change && a->set == b->set &&
	       a->is_some == b->is_some && a->n_from == b->n_sources &&
	       memcmp(a->from, b->sources, a->n_from * sizeof(*a->from)) == 0;
}

static struct grid_line line_of(const struct diff_line *line)
{
	return (struct grid_line){
		.change = line->change,
		.set = line->set,
		.is_some = line->is_some,
		.sources = line->from,
		.n_sources = line->n_from,
	};
}

static void enter(struct gathering *g, struct diff_line *line)
{
	const struct grid_line key = line_of(line);
	struct diff_line **bucket =
		&g->buckets[hash_line(&key) & (g->n_buckets - 1)];

	line->next = *bucket;
	*bucket = line;
}

static int grow(struct gathering *g)
{
	size_t n = g->n_buckets ? g->n_buckets * 2 : FIRST_BUCKETS;
	struct diff_line **buckets =
		arena_array(&g->scratch, n, sizeof(void *));

	if (!buckets)
		return -ENOMEM;
	g->buckets = buckets;
	g->n_buckets = n;
	for (size_t i = 0; i < g->out->n; i++)
		enter(g, g->out->items[i]);
	return 0;
}

/* ---- adding ------------------------------------------------------------- */

static int add_item(struct gathering *g, struct diff_line *line)
{
	struct diff_lines *out = g->out;
	struct diff_line **items = arena_room(&out->arena, out->items, out->n,
					      &g->capacity, sizeof(void *));

	if (!items)
		return -ENOMEM;
	out->items = items;
	out->items[out->n++] = line;
	return 0;
}

static struct diff_line *add_line(struct gathering *g,
				  const struct grid_line *from)
{
	struct arena *arena = &g->out->arena;
	struct diff_line *line = arena_alloc(arena, sizeof(*line));
	uint32_t *sources =
		arena_array(arena, from->n_sources, sizeof(*sources));

	if (!line || !sources || (g->out->n >= g->n_buckets && grow(g) < 0))
		return NULL;
	memcpy(sources, from->sources, from->n_sources * sizeof(*sources));
	*line = (struct diff_line){
		.change = from->change,
		.set = from->set,
		.is_some = from->is_some,
		.from = sources,
		.n_from = from->n_sources,
	};
	enter(g, line);
	return add_item(g, line) < 0 ? NULL : line;
}

static struct diff_line *find_line(const struct gathering *g,
				   const struct grid_line *wanted)
{
	struct diff_line *line =
		g->n_buckets
			? g->buckets[hash_line(wanted) & (g->n_buckets - 1)]
			: NULL;

	while (line && !is_same(line, wanted))
		line = line->next;
	return line;
}

static int add_destination(struct gathering *g, struct diff_line *line,
			   uint32_t unit)
{
	struct destination *grown =
		arena_room(&g->scratch, g->destinations, g->n_destinations,
			   &g->destinations_capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	g->destinations = grown;
	g->destinations[g->n_destinations++].unit = unit;
	if (line->n_to++ == 0)
		line->first_to = (uint32_t)g->n_destinations;
	else
		g->destinations[line->last_to - 1].next =
			(uint32_t)g->n_destinations;
	line->last_to = (uint32_t)g->n_destinations;
	return 0;
}

static int add_column(struct gathering *g, uint32_t to)
{
	struct grid_column column;
	struct grid_lines lines;
	int r = grid_column(g->grid, to, &column);

	if (r == 0)
		r = grid_lines(g->grid, &column, &lines);
	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		struct diff_line *line = find_line(g, &lines.items[i]);

		if (!line)
			line = add_line(g, &lines.items[i]);
		r = line ? add_destination(g, line, to) : -ENOMEM;
	}
	return r;
}

/* ---- all of it ---------------------------------------------------------- */

static bool opens(const struct diff_line *line)
{
	return line->change == OPENS_BY_INGRESS ||
	       line->change == OPENS_BY_EGRESS;
}

static int compare_lines(const void *a, const void *b)
{
	const struct diff_line *p = *(const struct diff_line *const *)a;
	const struct diff_line *q = *(const struct diff_line *const *)b;

	if (opens(p) != opens(q))
		return opens(p) ? -1 : 1;
	if (p->to[0] != q->to[0])
		return p->to[0] < q->to[0] ? -1 : 1;
	if (p->from[0] != q->from[0])
		return p->from[0] < q->from[0] ? -1 : 1;
	if (p->change != q->change)
		return p->change < q->change ? -1 : 1;
	if (p->is_some != q->is_some)
		return p->is_some ? 1 : -1;
	return p->set < q->set ? -1 : p->set > q->set;
}

static int list_destinations(struct gathering *g, struct diff_line *line)
{
	uint32_t *to = arena_array(&g->out->arena, line->n_to, sizeof(*to));
	size_t n = 0;

	if (!to)
		return -ENOMEM;
	for (uint32_t at = line->first_to; at;
	     at = g->destinations[at - 1].next)
		to[n++] = g->destinations[at - 1].unit;
	line->to = to;
	return 0;
}

static int finish(struct gathering *g)
{
	struct diff_lines *out = g->out;

	for (size_t i = 0; i < out->n; i++) {
		if (list_destinations(g, out->items[i]) < 0)
			return -ENOMEM;
		out->n_opens += opens(out->items[i]);
	}
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(void *), compare_lines);
	return 0;
}

int diff_lines_gather(struct grid *grid, struct progress *progress,
		      struct diff_lines *out)
{
	struct gathering gathering = { .grid = grid, .out = out };
	size_t n_units;
	int r = 0;

	*out = (struct diff_lines){ 0 };
	grid_units(grid, &n_units);
	for (uint32_t i = 0; i < n_units && r == 0; i++) {
		progress_tell(progress, i, "destinations compared");
		r = add_column(&gathering, i);
	}
	if (r == 0)
		r = finish(&gathering);
	arena_release(&gathering.scratch);
	return r;
}

void diff_lines_release(struct diff_lines *lines)
{
	arena_release(&lines->arena);
}
