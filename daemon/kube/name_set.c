/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/name_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where it is, or where it would be. */
static size_t find(const struct name_set *set, const char *namespace,
		   const char *name, bool *is_there)
{
	size_t low = 0, high = set->n;

	*is_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(namespace, set->names[middle].namespace);

		if (order == 0)
			order = strcmp(name, set->names[middle].name);
		if (order == 0) {
			*is_there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int reserve(struct name_set *set)
{
	size_t capacity = set->capacity ? 2 * set->capacity : 8;
	struct object_name *names;

	if (set->n < set->capacity)
		return 0;
	names = reallocarray(set->names, capacity, sizeof(*names));
	if (!names)
		return -ENOMEM;
	set->names = names;
	set->capacity = capacity;
	return 0;
}

static void free_name(struct object_name *name)
{
	free(name->namespace);
	free(name->name);
}

int name_set_put(struct name_set *set, const char *namespace, const char *name)
{
	struct object_name copy;
	bool is_there;
	size_t at = find(set, namespace, name, &is_there);

	if (is_there)
		return 0;
	copy = (struct object_name){ strdup(namespace), strdup(name) };
	if (!copy.namespace || !copy.name || reserve(set) < 0) {
		free_name(&copy);
		return -ENOMEM;
	}
	memmove(set->names + at + 1, set->names + at,
		(set->n - at) * sizeof(*set->names));
	set->names[at] = copy;
	set->n++;
	return 0;
}

void name_set_drop(struct name_set *set, const char *namespace,
		   const char *name)
{
	bool is_there;
	size_t at = find(set, namespace, name, &is_there);

	if (!is_there)
		return;
	free_name(&set->names[at]);
	set->n--;
	memmove(set->names + at, set->names + at + 1,
		(set->n - at) * sizeof(*set->names));
}

void name_set_clear(struct name_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free_name(&set->names[i]);
	free(set->names);
	*set = (struct name_set){ 0 };
}

void name_set_move(struct name_set *to, struct name_set *from)
{
	name_set_clear(to);
	*to = *from;
	*from = (struct name_set){ 0 };
}

int name_set_add(struct name_set *to, const struct name_set *from)
{
	int r = 0;

	for (size_t i = 0; i < from->n && r == 0; i++)
		r = name_set_put(to, from->names[i].namespace,
				 from->names[i].name);
	return r;
}

bool name_set_has(const struct name_set *set, const char *namespace,
		  const char *name)
{
	bool is_there;

	find(set, namespace, name, &is_there);
	return is_there;
}

bool name_set_has_all(const struct name_set *set, const struct name_set *part)
{
	for (size_t i = 0; i < part->n; i++) {
		if (!name_set_has(set, part->names[i].namespace,
				  part->names[i].name))
			return false;
	}
	return true;
}
