/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bundles to units: all columns are computed once to see which bundles
 * have the same rows and columns. A pod that is alone in its class is asked
 * about itself as if there was another one like it; else a lone client could
 * never be the same as another lone client.
 */
#include <errno.h>
#include <stdlib.h>

#include "grid/bundling.h"
#include "grid/cell.h"
#include "grid/signature.h"
#include "grid/unit.h"

/* A bundle that is about to find its unit. */
struct candidate {
	uint32_t bundle;
	uint32_t flags; /* what has to be the same besides */
	uint32_t rank;	/* its first group, or range */
	struct signature signature;
};

struct merging {
	struct grid *grid;
	struct arena scratch;
	struct bundling bundling;
	struct candidate *candidates;
	struct signature *signatures;
	uint32_t *unit_of_bundle;
	const struct candidate **firsts; /* of each unit */
};

/* ---- telling them apart ------------------------------------------------- */

static int compute_signatures(struct merging *m,
			      const struct grid_options *options)
{
	struct grid *grid = m->grid;
	const struct bundles *bundles = &m->bundling.bundles;
	struct cells cells = {
		.reach = grid->reach,
		.bundles = bundles,
		.slots = &grid->slots,
		.n_layers = grid->n_layers,
		.narrowed = grid->narrowed,
		.with_self = true,
	};
	int r = cells_init(&cells, &m->scratch);

	m->signatures =
		arena_array(&m->scratch, bundles->n, sizeof(*m->signatures));
	if (!m->signatures)
		r = -ENOMEM;
	for (uint32_t i = 0; i < bundles->n && r == 0; i++) {
		if (options->tell)
			options->tell(options->tell_ctx, i);
		r = cells_compute(&cells, i);
		if (r == 0)
			signature_add_column(m->signatures, &cells, i,
					     grid->hash_key);
	}
	cells_release(&cells);
	return r;
}

uint32_t grid_isolation(const struct grid *grid, const struct bundle *bundle)
{
	size_t n;
	const struct reach_class *classes = reach_classes(grid->reach, &n);
	uint32_t bits = 0;

	for (uint32_t i = 0; i < bundle->n; i++) {
		const struct reach_class *c = &classes[bundle->classes[i]];

		for (size_t v = 0; v < grid->n_views; v++) {
			for (int dir = 0; dir < N_DIRECTIONS; dir++)
				bits |= (uint32_t)c->isolated[v][dir]
					<< (v * N_DIRECTIONS + (size_t)dir);
		}
	}
	return bits;
}

/* Who is isolated and may everything is not who is not isolated. Where changes
   are told, only changes count. */
static uint32_t flags_of(const struct grid *grid, const struct bundle *bundle)
{
	uint32_t flags =
		(uint32_t)bundle->is_outside << 1 | (uint32_t)bundle->is_inside;

	if (grid->n_views == 1)
		flags |= grid_isolation(grid, bundle) << 2;
	return flags;
}

static int compare_equal(const struct candidate *p, const struct candidate *q)
{
	if (p->flags != q->flags)
		return p->flags < q->flags ? -1 : 1;
	return signature_compare(&p->signature, &q->signature);
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *p = a, *q = b;
	int order = compare_equal(p, q);

	if (order)
		return order;
	return p->rank < q->rank ? -1 : p->rank > q->rank;
}

/* Bundles of groups come before those outside, each in order. */
static void rank_candidates(struct merging *m)
{
	const struct grid *grid = m->grid;
	size_t n;
	const struct reach_class *classes = reach_classes(grid->reach, &n);

	for (size_t i = grid->n_groups; i-- > 0;)
		m->candidates[m->bundling.of_group[i]].rank = (uint32_t)i;
	for (uint32_t i = 0; i < m->bundling.bundles.n; i++) {
		const struct bundle *bundle = &m->bundling.bundles.items[i];
		struct candidate *candidate = &m->candidates[i];

		candidate->bundle = i;
		candidate->flags = flags_of(grid, bundle);
		candidate->signature = m->signatures[i];
		if (bundle->is_outside)
			candidate->rank =
				(uint32_t)grid->n_groups +
				classes[bundle->classes[0]].members[0];
	}
}

/* ---- numbering ---------------------------------------------------------- */

static int compare_ranks(const void *a, const void *b)
{
	const struct candidate *p = *(const struct candidate *const *)a;
	const struct candidate *q = *(const struct candidate *const *)b;

	return p->rank < q->rank ? -1 : p->rank > q->rank;
}

/* Candidates are sorted: each run of equal ones is a unit, its first one the
   one of lowest rank. */
static int number_units(struct merging *m)
{
	uint32_t n = m->bundling.bundles.n;
	const struct candidate **firsts =
		arena_array(&m->scratch, n, sizeof(void *));
	size_t n_units = 0;

	m->unit_of_bundle = arena_array(&m->scratch, n, sizeof(uint32_t));
	if (!firsts || !m->unit_of_bundle)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		if (i == 0 || compare_equal(&m->candidates[i - 1],
					    &m->candidates[i]) != 0)
			firsts[n_units++] = &m->candidates[i];
	}
	if (n_units > 1)
		qsort(firsts, n_units, sizeof(void *), compare_ranks);
	m->grid->n_units = (uint32_t)n_units;
	for (uint32_t i = 0; i < n_units; i++) {
		const struct candidate *c = firsts[i];
		const struct candidate *end = m->candidates + n;

		do {
			m->unit_of_bundle[c->bundle] = i;
			c++;
		} while (c < end && compare_equal(firsts[i], c) == 0);
	}
	m->firsts = firsts;
	return 0;
}

/* ---- the same columns --------------------------------------------------- */

/* Bits of enum direction, in both snapshots. */
#define INGRESS_BITS                                                           \
	(UINT32_C(1) << DIRECTION_INGRESS |                                    \
	 UINT32_C(1) << (N_DIRECTIONS + DIRECTION_INGRESS))

static uint32_t column_flags(const struct candidate *c)
{
	return (c->flags & 3) | (c->flags >> 2 & INGRESS_BITS) << 2;
}

static int compare_columns(const struct candidate *p, const struct candidate *q)
{
	if (column_flags(p) != column_flags(q))
		return column_flags(p) < column_flags(q) ? -1 : 1;
	return signature_compare_columns(&p->signature, &q->signature);
}

static int compare_firsts(const void *a, const void *b)
{
	const struct candidate *p = *(const struct candidate *const *)a;
	const struct candidate *q = *(const struct candidate *const *)b;
	int order = compare_columns(p, q);

	return order ? order : compare_ranks(a, b);
}

/* The first bundle of each unit says which column it has. */
static void find_same_columns(struct merging *m)
{
	struct grid *grid = m->grid;
	const struct candidate **firsts = m->firsts;
	uint32_t same = 0;

	if (grid->n_units > 1)
		qsort(firsts, grid->n_units, sizeof(void *), compare_firsts);
	for (uint32_t i = 0; i < grid->n_units; i++) {
		uint32_t unit = m->unit_of_bundle[firsts[i]->bundle];

		if (i == 0 || compare_columns(firsts[i - 1], firsts[i]) != 0)
			same = unit;
		grid->units[unit].same_column = same;
	}
}

/* ---- all of it ---------------------------------------------------------- */

static int merge(struct merging *m, const struct grid_options *options)
{
	uint32_t n;
	int r = bundling_make(m->grid, &m->scratch, &m->bundling);

	if (r == 0)
		r = compute_signatures(m, options);
	if (r < 0)
		return r;
	n = m->bundling.bundles.n;
	m->candidates = arena_array(&m->scratch, n, sizeof(*m->candidates));
	if (!m->candidates)
		return -ENOMEM;
	rank_candidates(m);
	if (n > 1)
		qsort(m->candidates, n, sizeof(*m->candidates),
		      compare_candidates);
	r = number_units(m);
	if (r == 0)
		r = grid_list_units(m->grid, &m->bundling, m->unit_of_bundle);
	if (r == 0)
		find_same_columns(m);
	return r;
}

int grid_make_units(struct grid *grid, const struct grid_options *options)
{
	struct merging merging = { .grid = grid };
	int r = merge(&merging, options);

	arena_release(&merging.scratch);
	return r;
}
