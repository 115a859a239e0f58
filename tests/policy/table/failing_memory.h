/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_TABLE_FAILING_MEMORY_H
#define NETPOLD_TESTS_POLICY_TABLE_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/arena.h"

/*
 * Memory that runs out when the test wants it to, and is counted.
 *
 * The linker leads all calls of malloc() and its like here (--wrap), and those
 * for a place in an arena, which would seldom reach malloc(). What the
 * libraries do among themselves is left alone.
 */
static struct {
	size_t left;  /* allocations until one fails; 0: none does */
	bool goes_on; /* then all do */
	size_t n_failed;
	size_t n_in_use; /* pieces of memory */
} memory;

/* Nothing is not missed. */
static bool fails(size_t size)
{
	if (size == 0 || memory.left == 0 || --memory.left > 0)
		return false;
	memory.left = memory.goes_on;
	memory.n_failed++;
	return true;
}

static void *counted(void *piece)
{
	memory.n_in_use += piece != NULL;
	return piece;
}

/* The linker's names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void __real_free(void *piece);
void *__real_arena_alloc(struct arena *arena, size_t size);
void *__real_arena_array(struct arena *arena, size_t n, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void __wrap_free(void *piece);
void *__wrap_arena_alloc(struct arena *arena, size_t size);
void *__wrap_arena_array(struct arena *arena, size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails(size) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(n * size) ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	void *piece = fails(size) ? NULL : __real_realloc(old, size);

	memory.n_in_use += piece && !old;
	return piece;
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	void *piece =
		fails(n * size) ? NULL : __real_reallocarray(old, n, size);

	memory.n_in_use += piece && !old;
	return piece;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fails(size) ? NULL : counted(__real_aligned_alloc(align, size));
}

void __wrap_free(void *piece)
{
	memory.n_in_use -= piece != NULL;
	__real_free(piece);
}

void *__wrap_arena_alloc(struct arena *arena, size_t size)
{
	return fails(size) ? NULL : __real_arena_alloc(arena, size);
}

void *__wrap_arena_array(struct arena *arena, size_t n, size_t size)
{
	return fails(n * size) ? NULL : __real_arena_array(arena, n, size);
}

#endif
