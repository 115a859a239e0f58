/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_BUILDER_H
#define NETPOLD_BUILDER_H

#include <stdbool.h>

#include "anchors.h"
#include "event.h"
#include "netpold/err.h"
#include "plot.h"
#include "tree.h"

/**
 * Builds trees from the events of a reader, resolving aliases and merge keys.
 *
 * Functions return 0; -EBADMSG where the text is wrong or exceeds a bound;
 * another negative errno where it cannot be read. None may be called after a
 * failure.
 */
struct builder {
	struct event_source source;
	struct anchors anchors;
};

/** A map to which entries are being added. */
struct growing_map {
	struct tree *map;
	struct tree **end;
	bool has_merge;
};

/** Begin with an empty map. */
struct growing_map growing_map(struct tree *map);

/** Add an entry. */
void growing_map_add(struct growing_map *growing, struct tree *entry);

/** All entries have come: let those of merge keys overwrite others, and the
 *  other way round. */
int growing_map_finish(struct growing_map *growing, struct plot *plot,
		       struct err *err);

/** The next event of the reader. */
int builder_next(struct builder *builder, struct event *event, struct err *err);

/**
 * Build one value.
 *
 * @event  the first of the value; on return the last
 * @depth  of @node in its tree; 0 for the root
 * @node   a new node of @plot; its key and place stay
 */
int builder_value(struct builder *builder, struct plot *plot,
		  struct event *event, unsigned int depth, struct tree *node,
		  struct err *err);

/** Make the node of an entry from its key, and read on to its value. */
int builder_key(struct builder *builder, struct plot *plot, struct event *event,
		struct tree **entry, struct err *err);

/** Build one entry of a map. @event is its key; @depth that of its value. */
int builder_entry(struct builder *builder, struct plot *plot,
		  struct event *event, unsigned int depth,
		  struct growing_map *growing, struct err *err);

/** Read past one value. @event is its first, on return its last. */
int builder_skip(struct builder *builder, struct event *event, struct err *err);

#endif
