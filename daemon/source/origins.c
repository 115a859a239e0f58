/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/origins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"

static int make_room(struct origins *origins)
{
	size_t room = origins->room ? origins->room * 2 : 64;
	struct origin *grown;

	if (origins->n < origins->room)
		return 0;
	grown = reallocarray(origins->items, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	origins->items = grown;
	origins->room = room;
	return 0;
}

static void free_text(char **text)
{
	free(*text);
}

/* The policies of a file come one after the other. */
static int set_file(struct origins *origins, const char *file)
{
	CLEANUP(free_text) char *real = NULL;

	if (origins->file && strcmp(origins->file, file) == 0)
		return 0;
	real = realpath(file, NULL);
	origins->file = arena_strdup(&origins->arena, file);
	origins->real =
		real ? arena_strdup(&origins->arena, real) : origins->file;
	return origins->file && origins->real ? 0 : -ENOMEM;
}

int origins_add(struct origins *origins, const struct network_policy *policy,
		const char *file, unsigned int line)
{
	struct arena *arena = &origins->arena;
	struct origin origin;

	if (make_room(origins) < 0 || set_file(origins, file) < 0)
		return -ENOMEM;
	origin = (struct origin){
		.namespace = arena_strdup(arena, policy->namespace),
		.name = arena_strdup(arena, policy->name),
		.file = origins->file,
		.real = origins->real,
		.line = line,
	};
	if (!origin.namespace || !origin.name)
		return -ENOMEM;
	origins->items[origins->n++] = origin;
	return 0;
}

static int compare_origins(const void *a, const void *b)
{
	const struct origin *p = a, *q = b;
	int order = strcmp(p->namespace, q->namespace);

	return order ? order : strcmp(p->name, q->name);
}

void origins_sort(struct origins *origins)
{
	if (origins->n > 1)
		qsort(origins->items, origins->n, sizeof(*origins->items),
		      compare_origins);
}

const struct origin *origins_find(const struct origins *origins,
				  const char *namespace, const char *name)
{
	const struct origin wanted = { .namespace = namespace, .name = name };

	if (origins->n == 0)
		return NULL;
	return bsearch(&wanted, origins->items, origins->n, sizeof(wanted),
		       compare_origins);
}

void origins_release(struct origins *origins)
{
	free(origins->items);
	arena_release(&origins->arena);
	memset(origins, 0, sizeof(*origins));
}
