/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_ADDRESS_LIST_H
#define NETPOLD_DAEMON_DATAPATH_ADDRESS_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/addr.h"

/**
 * A list of addresses that grows while the kernel's answer is read.
 *
 * An all-zero struct is an empty list. items is malloc()ed; whoever owns the
 * list releases it.
 */
struct address_list {
	struct ip_addr *items;
	size_t n;
	size_t capacity;
};

/** Returns 0, or -ENOMEM with the list as it was. */
int address_list_append(struct address_list *list, const struct ip_addr *addr);

/** Sort, and drop doubles. */
void address_list_sort(struct address_list *list);

/** Whether an address is in a sorted list. */
bool address_list_contains(const struct address_list *list,
			   const struct ip_addr *addr);

/** Append what is in @a and not in @b, which is sorted. 0 or -ENOMEM. */
int address_list_subtract(const struct address_list *a,
			  const struct address_list *b,
			  struct address_list *out);

/** Leaves an empty list. */
void address_list_release(struct address_list *list);

#endif
