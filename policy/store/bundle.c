/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16

int bundles_reserve(struct bundles *bundles, uint32_t bundle)
{
	size_t n = bundles->n ? bundles->n : FIRST_ROOM;
	struct record **grown;

	if (bundle < bundles->n || bundle == 0)
		return 0;
	while (n <= bundle)
		n *= 2;
	if (n > UINT32_MAX)
		n = UINT32_MAX;
	grown = bundle < n ? reallocarray(bundles->first, n, sizeof(void *))
			   : NULL;
	if (!grown)
		return -ENOMEM;
	memset(grown + bundles->n, 0, (n - bundles->n) * sizeof(void *));
	for (uint32_t i = 0; i < bundles->n; i++) {
		if (grown[i])
			grown[i]->bundle_link = &grown[i];
	}
	*bundles = (struct bundles){ grown, (uint32_t)n };
	return 0;
}

static void push(struct record **first, struct record *record)
{
	record->bundle_link = first;
	record->bundle_next = *first;
	if (*first)
		(*first)->bundle_link = &record->bundle_next;
	*first = record;
}

void bundle_leave(struct record *record)
{
	if (!record->bundle_link)
		return;
	*record->bundle_link = record->bundle_next;
	if (record->bundle_next)
		record->bundle_next->bundle_link = record->bundle_link;
	record->bundle_link = NULL;
}

void bundle_pass_on(struct record *from, struct record *to)
{
	to->bundle = from->bundle;
	to->bundle_link = from->bundle_link;
	if (!from->bundle_link) {
		to->deleted_ms = from->deleted_ms;
		return;
	}
	to->bundle_next = from->bundle_next;
	*to->bundle_link = to;
	if (to->bundle_next)
		to->bundle_next->bundle_link = &to->bundle_next;
	from->bundle_link = NULL;
}

void bundles_take(struct bundles *bundles, struct record *record,
		  uint32_t bundle)
{
	bundle_leave(record);
	record->bundle = bundle;
	if (bundle)
		push(&bundles->first[bundle], record);
}

void bundles_set_aside(struct bundles *bundles, uint32_t bundle,
		       struct record *aside[N_OBJECT_KINDS])
{
	struct record *record;

	if (bundle >= bundles->n)
		return;
	while ((record = bundles->first[bundle])) {
		bundle_leave(record);
		push(&aside[record->object.kind], record);
	}
}

void bundles_release(struct bundles *bundles)
{
	free(bundles->first);
	*bundles = (struct bundles){ 0 };
}
