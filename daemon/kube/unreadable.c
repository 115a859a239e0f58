/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/unreadable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where it is, or where it would be. */
static size_t find(const struct unreadable *set, const char *namespace,
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

static int reserve(struct unreadable *set)
{
	size_t capacity = set->capacity ? 2 * set->capacity : 8;
	struct unreadable_name *names;

	if (set->n < set->capacity)
		return 0;
	names = reallocarray(set->names, capacity, sizeof(*names));
	if (!names)
		return -ENOMEM;
	set->names = names;
	set->capacity = capacity;
	return 0;
}

static void free_name(struct unreadable_name *name)
{
	free(name->namespace);
	free(name->name);
}

int unreadable_put(struct unreadable *set, const char *namespace,
		   const char *name)
{
	struct unreadable_name copy;
	bool is_there;
	size_t at = find(set, namespace, name, &is_there);

	if (is_there)
		return 0;
	copy = (struct unreadable_name){ strdup(namespace), strdup(name) };
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

void unreadable_drop(struct unreadable *set, const char *namespace,
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

void unreadable_clear(struct unreadable *set)
{
	for (size_t i = 0; i < set->n; i++)
		free_name(&set->names[i]);
	free(set->names);
	*set = (struct unreadable){ 0 };
}

void unreadable_move(struct unreadable *to, struct unreadable *from)
{
	unreadable_clear(to);
	*to = *from;
	*from = (struct unreadable){ 0 };
}

int unreadable_add(struct unreadable *to, const struct unreadable *from)
{
	int r = 0;

	for (size_t i = 0; i < from->n && r == 0; i++)
		r = unreadable_put(to, from->names[i].namespace,
				   from->names[i].name);
	return r;
}

bool unreadable_has(const struct unreadable *set, const char *namespace,
		    const char *name)
{
	bool is_there;

	find(set, namespace, name, &is_there);
	return is_there;
}

bool unreadable_has_all(const struct unreadable *set,
			const struct unreadable *part)
{
	for (size_t i = 0; i < part->n; i++) {
		if (!unreadable_has(set, part->names[i].namespace,
				    part->names[i].name))
			return false;
	}
	return true;
}
