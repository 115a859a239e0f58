/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_IDENTITY_VIEW_H
#define NETPOLD_POLICY_TABLE_IDENTITY_VIEW_H

#include "netpold/object.h"

#include "table/parts.h"

/**
 * What readers see of identities: their rules, by number.
 *
 * Numbers come in blocks; a change copies one block and the list of blocks.
 */
#define IDENTITY_BLOCK 64

struct identity_view {
	const struct rule_lookup *rules[N_DIRECTIONS]; /* NULL: not isolated */
	const struct identity *identity; /* NULL: nobody has the number */
};

struct identity_block {
	struct part part;
	struct identity_view views[IDENTITY_BLOCK];
};

struct identity_views {
	struct part part;
	size_t n;
	struct identity_block *blocks[]; /* NULL: all of it is free */
};

/** The view of a number that somebody has. */
static inline const struct identity_view *
identity_views_get(const struct identity_views *views, uint32_t number)
{
	return &views->blocks[number / IDENTITY_BLOCK]
			->views[number % IDENTITY_BLOCK];
}

/** Show something under a number from the next snapshot on.
 *  @views  may be replaced. 0 or -ENOMEM. */
int identity_views_set(struct parts *parts, struct identity_views **views,
		       uint32_t number, const struct identity_view *view);

/** Free them; nobody reads them. */
void identity_views_release(struct parts *parts, struct identity_views *views);

#endif
