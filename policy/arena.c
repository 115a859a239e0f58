/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Small enough that a decoded pod wastes little, grown for what is larger. */
#define FIRST_CHUNK_SIZE 512
#define LARGEST_USUAL_CHUNK (1 << 20)

struct arena_chunk {
	struct arena_chunk *older;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

static size_t round_up(size_t size)
{
	const size_t align = alignof(max_align_t);

	return (size + align - 1) / align * align;
}

static int add_chunk(struct arena *arena, size_t need)
{
	size_t size = FIRST_CHUNK_SIZE;
	struct arena_chunk *chunk;

	if (arena->chunks && arena->chunks->size < LARGEST_USUAL_CHUNK)
		size = arena->chunks->size * 2;
	else if (arena->chunks)
		size = LARGEST_USUAL_CHUNK;
	if (size < need)
		size = need;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return -1;
	chunk->older = arena->chunks;
	chunk->size = size;
	arena->chunks = chunk;
	arena->used = 0;
	arena->total += sizeof(*chunk) + size;
	return 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *memory;

	if (size > SIZE_MAX / 4)
		return NULL;
	size = round_up(size);
	if (!arena->chunks || arena->chunks->size - arena->used < size) {
		if (add_chunk(arena, size) < 0)
			return NULL;
	}
	memory = arena->chunks->data + arena->used;
	arena->used += size;
	return memset(memory, 0, size);
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		return NULL;
	return arena_alloc(arena, n * size);
}

void *arena_room(struct arena *arena, void *items, size_t n, size_t *capacity,
		 size_t size)
{
	size_t grown = *capacity ? *capacity * 2 : 16;
	void *moved;

	if (n < *capacity)
		return items;
	moved = arena_array(arena, grown, size);
	if (!moved)
		return NULL;
	if (n)
		memcpy(moved, items, n * size);
	*capacity = grown;
	return moved;
}

char *arena_strndup(struct arena *arena, const char *text, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		return NULL;
	copy = arena_alloc(arena, n + 1);
	if (copy && n)
		memcpy(copy, text, n);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

static void free_chunks(struct arena_chunk *chunk)
{
	while (chunk) {
		struct arena_chunk *older = chunk->older;

		free(chunk);
		chunk = older;
	}
}

void arena_clear(struct arena *arena)
{
	if (!arena->chunks)
		return;
	free_chunks(arena->chunks->older);
	arena->chunks->older = NULL;
	arena->used = 0;
	arena->total = sizeof(*arena->chunks) + arena->chunks->size;
}

void arena_release(struct arena *arena)
{
	free_chunks(arena->chunks);
	memset(arena, 0, sizeof(*arena));
}
