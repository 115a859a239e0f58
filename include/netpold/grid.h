/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_GRID_H
#define NETPOLD_GRID_H

#include "netpold/reach.h"

/**
 * Who may reach whom, for people to read: not pod by pod, but by what people
 * call them.
 *
 * Pods come in groups: a workload's, a namespace's, or each alone. Groups that
 * may the same and that the same may reach are one unit, also where they are of
 * different namespaces; addresses outside are sorted into units likewise. A
 * cell is what one unit may ask of another: a set of slots at which all flows
 * between their endpoints are allowed, and one at which some are and others
 * not. A column is all cells of one destination.
 *
 * With two snapshots cells are about what changes instead: there are four of
 * them, one for each enum reach_change, and units are groups that the same
 * happens to.
 *
 * Flows of a pod to itself are in no cell (NP-50).
 */
struct grid;

enum grid_by { GRID_BY_WORKLOAD = 0, GRID_BY_POD, GRID_BY_NAMESPACE };

struct grid_options {
	/* One for what is allowed, two for what changes; see reach.h. They
	   have to outlive the grid. */
	const struct snapshot *snapshots[REACH_MAX_VIEWS];
	size_t n_snapshots;
	enum grid_by by;
	/* Only flows from or to pods of these count; none: all. */
	const char *const *namespaces;
	size_t n_namespaces;
	/* Drawn at random. Units are found by sums that two different rows
	   have in common once in 2^128, unless who writes policies knows it. */
	uint64_t hash_key[2];
	/* Told again and again how many destinations have been asked, of which
	   there are as many as groups at most; NULL: nobody is. */
	void (*tell)(void *ctx, size_t n_asked);
	void *tell_ctx;
};

/** Returns 0; -ENOMEM. */
int grid_new(const struct grid_options *options, struct grid **out,
	     struct err *err);

/** NULL is fine. */
void grid_free(struct grid *grid);
void grid_freep(struct grid **grid);

/** What the grid was made of. */
struct reach *grid_reach(const struct grid *grid);

/* ---- groups and units --------------------------------------------------- */

/**
 * Pods that people call by one name.
 *
 * A workload is named by its owner, less what a Deployment or a CronJob puts
 * behind it. Pods without an owner are one group where those of their labels
 * are equal that some selector asks about, and are named by these: app=web. One
 * that is alone in such a group is named by its own name.
 */
struct grid_group {
	const char *namespace;
	const char *name; /* "" for a namespace's pods */
	const char *kind; /* "Deployment", "Pod", "Namespace", "Labels", … */
	uint32_t unit;
	uint32_t n_pods;
};

/** By namespace and name. */
const struct grid_group *grid_groups(const struct grid *grid, size_t *n);

/** The group of a pod of reach_pods(). */
uint32_t grid_group_of(const struct grid *grid, uint32_t pod);

struct grid_unit {
	bool is_outside;
	bool is_inside; /* of the namespaces that were named, or none was */
	bool isolated[REACH_MAX_VIEWS][N_DIRECTIONS]; /* some of its pods */
	/* The first unit with the same column, and isolated for ingress or not
	   as this one: itself, where there is none before it. */
	uint32_t same_column;
	const uint32_t *members; /* groups; outside: ranges */
	uint32_t n_members;
	uint32_t n_pods;
	uint32_t n_isolated[REACH_MAX_VIEWS][N_DIRECTIONS]; /* pods of it */
};

/** By their first groups, those outside last. */
const struct grid_unit *grid_units(const struct grid *grid, size_t *n);

/** All policies that isolate pods of some units, by namespace and name; NULL
 *  without memory. */
const struct network_policy *const *
grid_policies(const struct grid *grid, enum reach_view view,
	      const uint32_t *units, size_t n_units, enum direction dir,
	      struct arena *arena, size_t *n);

/* ---- cells -------------------------------------------------------------- */

/** Sets of slots by numbers, the same set always under the same; 0 is none. */
struct grid_cell {
	uint32_t all;  /* allowed between all of them */
	uint32_t some; /* between some of them only */
};

struct grid_column {
	/* By source, of each enum reach_change; of one snapshot, [0] only. */
	const struct grid_cell *cells[N_REACH_CHANGES];
	const uint32_t *sources; /* those with a cell that is not empty */
	size_t n_sources;
};

/**
 * All cells of a destination.
 *
 * @out  until the next call
 *
 * Returns  0 or -ENOMEM.
 */
int grid_column(struct grid *grid, uint32_t to, struct grid_column *out);

/** Sources that have the same set in their cells. */
struct grid_line {
	enum reach_change change; /* 0 with one snapshot */
	uint32_t set;
	bool is_some;		 /* it is that of some flows, not of all */
	const uint32_t *sources; /* ascending */
	size_t n_sources;
};

struct grid_lines {
	const struct grid_line *items;
	size_t n;
};

/**
 * A column the other way round: for each set, who has it.
 *
 * By change; then what is of all before what is of some; then by their slots.
 *
 * @out  until the next call
 *
 * Returns  0 or -ENOMEM.
 */
int grid_lines(struct grid *grid, const struct grid_column *column,
	       struct grid_lines *out);

/** Whether there is any flow between two units that a cell could be about: not
 *  of one pod alone, nor of two units that are both not inside. */
bool grid_has_flow(const struct grid *grid, uint32_t from, uint32_t to);

/** How many ranges a set of slots has, and the ranges, ascending. */
size_t grid_n_ranges(const struct grid *grid, uint32_t set);
void grid_ranges(const struct grid *grid, uint32_t set, struct slot_range *out);

/** All classes of a unit; one may come twice. */
const uint32_t *grid_classes(const struct grid *grid, uint32_t unit, size_t *n);

/**
 * A flow between two units that a cell is about.
 *
 * @change  which cell; 0 with one snapshot
 * @slot    one of the cell's
 * @keys    the flow in each snapshot, since a pod may have another address
 *
 * Returns  0; -ENOENT where the cell has no such slot; -ENOMEM.
 */
int grid_example(struct grid *grid, uint32_t from, uint32_t to,
		 enum reach_change change, uint32_t slot,
		 struct flow_key keys[REACH_MAX_VIEWS]);

#endif
