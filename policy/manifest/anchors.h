/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_ANCHORS_H
#define NETPOLD_ANCHORS_H

#include "netpold/arena.h"
#include "netpold/err.h"
#include "plot.h"
#include "tree.h"

/**
 * The values of one YAML document that have a name (`&name`) and may come
 * again (`*name`).
 *
 * They are copied, because the item of a list in which a name is given may be
 * gone when it is used. Using a name copies the value's nodes into the tree
 * that uses it, and counts them, and the text, against the bounds of that
 * tree: that is what defuses aliases of aliases of aliases ("a billion
 * laughs"), of which each line is short and the whole is not. The copies kept
 * here have the bounds of one tree together.
 */
struct anchors {
	struct arena arena;
	struct plot plot;
	size_t n_given; /* anchors, those that were given again included */
	/* By name, the newest of each: aliases come in far greater number, and
	   each has to be looked up. */
	struct anchor *sorted[TREE_MAX_ANCHORS];
	size_t n_sorted;
};

/** Forget all, for the next document. An all-zero struct is empty as well. */
void anchors_clear(struct anchors *anchors);
void anchors_release(struct anchors *anchors);

/**
 * A value with a name begins: from here on the name means it, although it
 * cannot be used before it is complete.
 *
 * @name  is copied
 */
int anchors_begin(struct anchors *anchors, const char *name,
		  struct anchor **out, struct err *err);

/** The value of a name is complete. */
int anchors_complete(struct anchors *anchors, struct anchor *anchor,
		     const struct tree *value, struct err *err);

/** The value of a name; -EBADMSG when there is none. */
int anchors_find(const struct anchors *anchors, const char *name,
		 const struct tree **out, struct err *err);

/**
 * Copy the value of a name into @node, a new node of @plot.
 *
 * @depth  of @node in its tree
 */
int anchors_expand(const struct anchors *anchors, const char *name,
		   struct plot *plot, unsigned int depth, struct tree *node,
		   struct err *err);

#endif
