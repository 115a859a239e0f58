/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reach/sort_names.h"

#include <errno.h>
#include <stdlib.h>

#include "table/snapshot_parts.h"

/* A number that an identity has under a name. */
struct number {
	const char *name;
	uint32_t identity;
	uint16_t number;
	uint8_t protocol;
};

struct numbers {
	struct number *items;
	size_t n;
};

static int compare_names(const void *a, const void *b)
{
	const struct number *p = a, *q = b;

	if (p->name != q->name)
		return (uintptr_t)p->name < (uintptr_t)q->name ? -1 : 1;
	return p->protocol - q->protocol;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct number *p = a, *q = b;
	int order = compare_names(a, b);

	return order ? order : p->number - q->number;
}

/* Names that egress rules use. */
static int list_names(struct arena *arena, const struct view *view,
		      struct numbers *out)
{
	const struct rule_terms *rules = view->rules[DIRECTION_EGRESS];
	size_t n_rules = view->n_rules[DIRECTION_EGRESS], room = 0;

	for (size_t i = 0; i < n_rules; i++)
		room += rules[i].n_named;
	out->items = arena_array(arena, room, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (size_t i = 0; i < n_rules; i++) {
		for (size_t k = 0; k < rules[i].n_named; k++) {
			out->items[out->n].name = rules[i].named[k].name;
			out->items[out->n++].protocol =
				rules[i].named[k].protocol;
		}
	}
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), compare_names);
	return 0;
}

/* NULL: no pod is of that identity. */
static const struct named_ports *ports_of(const struct view *view,
					  const struct identity_index *index,
					  uint32_t identity)
{
	if (index->first[identity] == index->first[identity + 1])
		return NULL;
	return &identity_views_get(view->snapshot->views, identity)
			->identity->ports;
}

static void add_numbers(const struct named_ports *ports, uint32_t identity,
			const struct numbers *names, struct numbers *out)
{
	for (size_t i = 0; i < ports->n; i++) {
		const struct container_port *p = &ports->items[i];
		const struct number number = { p->name, identity, p->number,
					       p->protocol };

		if (bsearch(&number, names->items, names->n, sizeof(number),
			    compare_names))
			out->items[out->n++] = number;
	}
}

static int list_numbers(struct arena *arena, const struct view *view,
			const struct identity_index *index,
			const struct numbers *names, struct numbers *out)
{
	size_t room = 0;

	for (uint32_t i = 0; i < index->n; i++) {
		const struct named_ports *ports = ports_of(view, index, i);

		room += ports ? ports->n : 0;
	}
	out->items = arena_array(arena, room, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < index->n; i++) {
		const struct named_ports *ports = ports_of(view, index, i);

		if (ports)
			add_numbers(ports, i, names, out);
	}
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), compare_numbers);
	return 0;
}

/* Pods of identities that have one number under one name. An identity may have
   it twice: in two containers. */
static size_t gather(const struct identity_index *index,
		     const struct number *numbers, size_t n, uint32_t *pods)
{
	size_t n_pods = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t identity = numbers[i].identity;

		if (i > 0 && numbers[i - 1].identity == identity)
			continue;
		for (uint32_t k = index->first[identity];
		     k < index->first[identity + 1]; k++)
			pods[n_pods++] = index->pods[k];
	}
	return n_pods;
}

static int split(struct arena *arena, const struct identity_index *index,
		 const struct numbers *numbers, struct partition *partition)
{
	uint32_t *pods = arena_array(arena, partition->n, sizeof(*pods));
	size_t first = 0;

	if (!pods)
		return -ENOMEM;
	for (size_t i = 1; i <= numbers->n; i++) {
		if (i < numbers->n &&
		    compare_numbers(&numbers->items[i],
				    &numbers->items[first]) == 0)
			continue;
		partition_split(
			partition, pods,
			gather(index, numbers->items + first, i - first, pods));
		first = i;
	}
	return 0;
}

int sort_by_names(const struct view *view, const struct identity_index *index,
		  struct partition *partition)
{
	struct numbers names = { 0 }, numbers = { 0 };
	struct arena scratch = { 0 };
	int r = list_names(&scratch, view, &names);

	if (r == 0 && names.n > 0)
		r = list_numbers(&scratch, view, index, &names, &numbers);
	if (r == 0)
		r = split(&scratch, index, &numbers, partition);
	arena_release(&scratch);
	return r;
}
