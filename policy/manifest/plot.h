/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_PLOT_H
#define NETPOLD_PLOT_H

#include <stddef.h>

#include "netpold/err.h"
#include "tree.h"

/**
 * The ground on which one tree is built: an arena, and how much of what a tree
 * may cost has been used up (tree.h).
 *
 * Functions return 0; -EBADMSG when a bound is exceeded; -ENOMEM.
 */
struct plot {
	struct arena *arena;
	size_t n_nodes;
	size_t text_len;
};

/** Count nodes and text that are about to be added. */
int plot_charge(struct plot *plot, size_t n_nodes, size_t text_len,
		struct err *err);

/** A new node, null so far. */
int plot_node(struct plot *plot, unsigned int line, struct tree **out,
	      struct err *err);

/** A copy of n bytes with a zero byte after them. */
int plot_text(struct plot *plot, const char *text, size_t len, const char **out,
	      struct err *err);

/** Says that there is no memory; returns -ENOMEM. */
int plot_no_memory(struct err *err);

/** Says that values are nested too deep; returns -EBADMSG. */
int plot_too_deep(struct err *err);

#endif
