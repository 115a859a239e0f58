/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/told_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PIECE ((size_t)2 << 20) /* a large page of most machines */

/* What is at the begin of a piece, and of a place that came back. */
struct link {
	void *next;
};

static void push(void **list, void *item)
{
	struct link *link = item;

	link->next = *list;
	*list = item;
}

static void *pop(void **list)
{
	struct link *link = *list;

	if (link)
		*list = link->next;
	return link;
}

static bool add_piece(struct told_pool *pool)
{
	char *piece = aligned_alloc(PIECE, PIECE);

	if (!piece)
		return false;
	madvise(piece, PIECE, MADV_HUGEPAGE); /* its answer is no matter */
	push(&pool->pieces, piece);
	pool->next = piece + pool->size; /* behind the link */
	pool->end = piece + PIECE;
	return true;
}

void *told_pool_take(struct told_pool *pool)
{
	void *place = pop(&pool->unused);

	if (!place) {
		if ((size_t)(pool->end - pool->next) < pool->size &&
		    !add_piece(pool))
			return NULL;
		place = pool->next;
		pool->next += pool->size;
	}
	return memset(place, 0, pool->size);
}

void told_pool_give(struct told_pool *pool, void *place)
{
	push(&pool->unused, place);
}

void told_pool_release(struct told_pool *pool)
{
	void *piece;

	while ((piece = pop(&pool->pieces)))
		free(piece);
	*pool = (struct told_pool){ .size = pool->size };
}
