/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/identity_view.h"

#include <errno.h>
#include <string.h>

#define FIRST_BLOCKS 16

static size_t views_size(size_t n)
{
	return sizeof(struct identity_views) + n * sizeof(void *);
}

static void views_free(struct parts *parts, struct part *part)
{
	const struct identity_views *views = (struct identity_views *)part;

	parts_free(parts, PART_IDENTITIES, part, views_size(views->n));
}

static void block_free(struct parts *parts, struct part *part)
{
	parts_free(parts, PART_IDENTITIES, part, sizeof(struct identity_block));
}

/* A list of blocks that may be written to, and has this one. */
static int own_views(struct parts *parts, struct identity_views **views,
		     size_t block)
{
	struct identity_views *old = *views, *own;
	size_t n = old ? old->n : FIRST_BLOCKS;

	if (old && block < old->n && part_is_ours(parts, &old->part))
		return 0;
	while (n <= block)
		n *= 2;
	own = parts_new(parts, PART_IDENTITIES, views_size(n), views_free);
	if (!own)
		return -ENOMEM;
	own->n = n;
	if (old) {
		memcpy(own->blocks, old->blocks, old->n * sizeof(void *));
		parts_throw(parts, &old->part);
	}
	*views = own;
	return 0;
}

static int own_block(struct parts *parts, struct identity_views *views,
		     size_t i)
{
	struct identity_block *old = views->blocks[i], *own;

	if (old && part_is_ours(parts, &old->part))
		return 0;
	own = parts_new(parts, PART_IDENTITIES, sizeof(*own), block_free);
	if (!own)
		return -ENOMEM;
	if (old) {
		memcpy(own->views, old->views, sizeof(own->views));
		parts_throw(parts, &old->part);
	}
	views->blocks[i] = own;
	return 0;
}

int identity_views_set(struct parts *parts, struct identity_views **views,
		       uint32_t number, const struct identity_view *view)
{
	size_t block = number / IDENTITY_BLOCK;
	int r = own_views(parts, views, block);

	if (r == 0)
		r = own_block(parts, *views, block);
	if (r == 0)
		(*views)->blocks[block]->views[number % IDENTITY_BLOCK] = *view;
	return r;
}

void identity_views_release(struct parts *parts, struct identity_views *views)
{
	if (!views)
		return;
	for (size_t i = 0; i < views->n; i++) {
		if (views->blocks[i])
			block_free(parts, &views->blocks[i]->part);
	}
	views_free(parts, &views->part);
}
