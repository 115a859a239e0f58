/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grid/signature.h"

#include "netpold/grid.h"

static int compare_sums(const uint64_t a[2], const uint64_t b[2])
{
	for (int i = 0; i < 2; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

int signature_compare_columns(const struct signature *a,
			      const struct signature *b)
{
	return compare_sums(a->column, b->column);
}

int signature_compare(const struct signature *a, const struct signature *b)
{
	int order = signature_compare_columns(a, b);

	return order ? order : compare_sums(a->row, b->row);
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Where a cell is, and what it is. */
static void add(uint64_t sums[2], uint64_t place, struct grid_cell cell,
		const uint64_t key[2])
{
	uint64_t what = (uint64_t)cell.all << 32 | cell.some;

	for (int i = 0; i < 2; i++) {
		uint64_t mixed = multiply(place ^ key[i], what ^ key[1 - i]);

		sums[i] += multiply(mixed ^ key[1 - i], 0x9e3779b97f4a7c15);
	}
}

void signature_add_column(struct signature *signatures,
			  const struct cells *cells, uint32_t to,
			  const uint64_t key[2])
{
	for (size_t i = 0; i < cells->n_sources; i++) {
		uint32_t from = cells->sources[i];

		for (size_t k = 0; k < cells->n_layers; k++) {
			struct grid_cell cell = cells->cells[k][from];
			uint64_t layer = (uint64_t)k << 32;

			if (cell.all == 0 && cell.some == 0)
				continue;
			add(signatures[from].row, layer | to, cell, key);
			add(signatures[to].column, layer | from, cell, key);
		}
	}
}
