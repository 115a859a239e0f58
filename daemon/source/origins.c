/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/origins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int origins_add(struct origins *origins, const struct network_policy *policy,
		const char *file, unsigned int line)
{
	struct arena *arena = &origins->arena;
	struct origin origin;

	if (make_room(origins) < 0)
		return -ENOMEM;
	/* The policies of a file come one after the other. */
	if (!origins->file || strcmp(origins->file, file))
		origins->file = arena_strdup(arena, file);
	origin = (struct origin){
		.namespace = arena_strdup(arena, policy->namespace),
		.name = arena_strdup(arena, policy->name),
		.file = origins->file,
		.line = line,
	};
	if (!origin.namespace || !origin.name || !origin.file)
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
