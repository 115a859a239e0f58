/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/changes.h"

#include <stdlib.h>

#include "store/record.h"

void changes_add(struct changes *changes, const struct object *old,
		 const struct object *new)
{
	if (!changes->followed || changes->lost || (!old && !new))
		return;
	if (changes->n == changes->capacity) {
		size_t capacity =
			changes->capacity ? changes->capacity * 2 : 64;
		struct change *grown =
			reallocarray(changes->items, capacity, sizeof(*grown));

		if (!grown) {
			changes->lost = true;
			return;
		}
		changes->items = grown;
		changes->capacity = capacity;
	}
	changes->items[changes->n++] = (struct change){
		old ? record_use(old) : NULL,
		new ? record_use(new) : NULL,
	};
}

/* What one burst has needed is not kept for ever. */
#define KEPT_CAPACITY 1024

void changes_clear(struct changes *changes, struct intern_pool *pool)
{
	for (size_t i = 0; i < changes->n; i++) {
		record_drop(pool, changes->items[i].old);
		record_drop(pool, changes->items[i].new);
	}
	changes->n = 0;
	changes->lost = false;
	if (changes->capacity > KEPT_CAPACITY) {
		free(changes->items);
		changes->items = NULL;
		changes->capacity = 0;
	}
}

void changes_release(struct changes *changes, struct intern_pool *pool)
{
	changes_clear(changes, pool);
	free(changes->items);
	*changes = (struct changes){ 0 };
}
