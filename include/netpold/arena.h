/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_ARENA_H
#define NETPOLD_ARENA_H

#include <stddef.h>

/**
 * An arena hands out memory that is given back all at once.
 *
 * Everything that is built in one go and dies in one go (a decoded object, a
 * snapshot) lives in one arena, so that nobody has to know who owns which
 * string. Memory comes zeroed and aligned for any type. An all-zero struct is
 * an empty arena.
 *
 * Threads  one at a time.
 */
struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;		    /* bytes handed out from the newest chunk */
	size_t total;		    /* bytes asked from malloc, all chunks */
};

/** Zeroed memory, or NULL when there is none. size 0 is fine. */
void *arena_alloc(struct arena *arena, size_t size);

/** arena_alloc() for n items of the given size; NULL on overflow too. */
void *arena_array(struct arena *arena, size_t n, size_t size);

/**
 * Room for one more item in an array that grows.
 *
 * @items     the array, of which @n are used; NULL at first
 * @capacity  what it has room for, and has then
 *
 * Returns  the array, or a larger copy of it; NULL without memory.
 */
void *arena_room(struct arena *arena, void *items, size_t n, size_t *capacity,
		 size_t size);

/** A copy of n bytes with a zero byte after them. */
char *arena_strndup(struct arena *arena, const char *text, size_t n);

/** A copy of a string; NULL stays NULL. */
char *arena_strdup(struct arena *arena, const char *text);

/** Give everything back but one chunk, for the next use of the same size. */
void arena_clear(struct arena *arena);

/** Give everything back. */
void arena_release(struct arena *arena);

/** For tdestroy(): what the tree points to is an arena's. */
static inline void arena_keep(void *item)
{
	(void)item;
}

#endif
