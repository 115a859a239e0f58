/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/parts.h"

#include <stdlib.h>
#include <string.h>

void *parts_alloc(struct parts *parts, enum part_kind kind, size_t size)
{
	void *memory = calloc(1, size);

	if (memory)
		parts->bytes[kind] += size;
	return memory;
}

#define CACHE_LINE 64

void *parts_alloc_line(struct parts *parts, enum part_kind kind, size_t size)
{
	size_t whole = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	void *memory = aligned_alloc(CACHE_LINE, whole);

	if (!memory)
		return NULL;
	parts->bytes[kind] += size;
	return memset(memory, 0, size);
}

void parts_free(struct parts *parts, enum part_kind kind, void *memory,
		size_t size)
{
	if (!memory)
		return;
	parts->bytes[kind] -= size;
	free(memory);
}

void *parts_grow(struct parts *parts, enum part_kind kind, void *items,
		 size_t n, size_t *capacity, size_t size)
{
	size_t grown = *capacity ? *capacity * 2 : 4;
	void *moved;

	if (n < *capacity)
		return items;
	if (grown > SIZE_MAX / size)
		return NULL;
	moved = realloc(items, grown * size);
	if (!moved)
		return NULL;
	parts->bytes[kind] += (grown - *capacity) * size;
	*capacity = grown;
	return moved;
}

void *parts_new(struct parts *parts, enum part_kind kind, size_t size,
		void (*free)(struct parts *parts, struct part *part))
{
	struct part *part = parts_alloc(parts, kind, size);

	if (!part)
		return NULL;
	part->round = parts->round;
	part->free = free;
	return part;
}

void parts_throw(struct parts *parts, struct part *part)
{
	if (!part)
		return;
	if (part_is_ours(parts, part)) {
		part->free(parts, part);
		return;
	}
	part->next = parts->thrown;
	parts->thrown = part;
}

void parts_free_thrown(struct parts *parts, struct part *thrown)
{
	while (thrown) {
		struct part *next = thrown->next;

		thrown->free(parts, thrown);
		thrown = next;
	}
}
