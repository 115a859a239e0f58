/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/address_list.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

int address_list_append(struct address_list *list, const struct ip_addr *addr)
{
	if (list->n == list->capacity) {
		size_t capacity =
			list->capacity ? list->capacity * 2 : FIRST_CAPACITY;
		void *grown = reallocarray(list->items, capacity,
					   sizeof(list->items[0]));

		if (!grown)
			return -ENOMEM;
		list->items = grown;
		list->capacity = capacity;
	}
	list->items[list->n++] = *addr;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return ip_addr_compare(a, b);
}

void address_list_sort(struct address_list *list)
{
	size_t n = 0;

	if (list->n == 0)
		return;
	qsort(list->items, list->n, sizeof(list->items[0]), compare);
	for (size_t i = 0; i < list->n; i++)
		if (n == 0 ||
		    !ip_addr_equal(&list->items[n - 1], &list->items[i]))
			list->items[n++] = list->items[i];
	list->n = n;
}

bool address_list_contains(const struct address_list *list,
			   const struct ip_addr *addr)
{
	return list->n && bsearch(addr, list->items, list->n,
				  sizeof(list->items[0]), compare);
}

int address_list_subtract(const struct address_list *a,
			  const struct address_list *b,
			  struct address_list *out)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!address_list_contains(b, &a->items[i]) &&
		    address_list_append(out, &a->items[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

void address_list_release(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){ 0 };
}
