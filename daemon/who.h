/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_WHO_H
#define NETPOLD_DAEMON_WHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/grid.h"
#include "outside_text.h"

/**
 * Some units of a grid, sorted by what they are for people: of each namespace
 * all groups or some of them, and of the outside all or some.
 */

/** A namespace of the grid: groups from first up to end. */
struct who_namespace {
	const char *name;
	uint32_t first, end;
	uint32_t n_pods;
};

/** What of a namespace is in a set. */
struct who_part {
	const struct who_namespace *namespace;
	const uint32_t *groups; /* ascending */
	uint32_t n_groups;
	uint32_t n_pods;
	bool is_all;
};

struct who {
	const struct who_part *parts; /* by namespace */
	size_t n_parts;
	const uint32_t *outside; /* units */
	size_t n_outside;
	bool all_pods;	  /* all groups there are, and there are some */
	bool all_outside; /* the same of units outside */
};

/** What is known of a grid, for who sorts sets of its units. */
struct who_index {
	const struct grid *grid;
	const struct grid_group *groups;
	size_t n_groups;
	const struct grid_unit *units;
	size_t n_units;
	struct who_namespace *namespaces;
	size_t n_namespaces;
	size_t n_outside; /* units */
	struct outside_names outside;
	struct arena arena;
	struct arena scratch; /* of the last set */
	/* In work; zero between two sets. */
	bool *is_in;		/* groups */
	uint32_t *counts;	/* of them, by namespace */
	uint32_t *touched;	/* namespaces with a count */
	uint32_t *namespace_of; /* groups */
};

/** Returns 0 or -ENOMEM; to be released in either case. */
int who_index_init(struct who_index *index, const struct grid *grid);
void who_index_release(struct who_index *index);

/**
 * Sort a set of units.
 *
 * @units  ascending
 * @out    until the next one
 *
 * Returns  0 or -ENOMEM.
 */
int who_sort(struct who_index *index, const uint32_t *units, size_t n,
	     struct who *out);

#endif
