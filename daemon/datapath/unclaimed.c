/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/unclaimed.h"

#include <errno.h>
#include <stdlib.h>

int unclaimed_new(const struct pod_range *range, const struct address_list *own,
		  uint32_t hold_ms, struct unclaimed **out, struct err *err)
{
	struct unclaimed *unclaimed = calloc(1, sizeof(*unclaimed));
	int r = unclaimed ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < own->n; i++) {
		if (pod_range_contains(range, &own->items[i]))
			r = address_list_append(&unclaimed->own,
						&own->items[i]);
	}
	if (r < 0) {
		unclaimed_free(unclaimed);
		return err_set(err, r, "no memory for this host's addresses");
	}
	address_list_sort(&unclaimed->own);
	unclaimed->range = *range;
	unclaimed->hold_ms = hold_ms;
	*out = unclaimed;
	return 0;
}

void unclaimed_free(struct unclaimed *unclaimed)
{
	if (!unclaimed)
		return;
	address_list_release(&unclaimed->own);
	free(unclaimed);
}

bool unclaimed_equal(const struct unclaimed *a, const struct unclaimed *b)
{
	if (!pod_range_equal(&a->range, &b->range) ||
	    a->hold_ms != b->hold_ms || a->own.n != b->own.n)
		return false;
	for (size_t i = 0; i < a->own.n; i++) {
		if (!ip_addr_equal(&a->own.items[i], &b->own.items[i]))
			return false;
	}
	return true;
}

bool unclaimed_has(const struct unclaimed *unclaimed,
		   const struct snapshot *snapshot, const struct ip_addr *addr)
{
	return pod_range_contains(&unclaimed->range, addr) &&
	       !snapshot_pod_by_address(snapshot, addr) &&
	       !address_list_contains(&unclaimed->own, addr);
}

bool unclaimed_find(const struct unclaimed *unclaimed,
		    const struct snapshot *snapshot,
		    const struct packet *packet, struct ip_addr *out)
{
	if (unclaimed_has(unclaimed, snapshot, &packet->src))
		*out = packet->src;
	else if (unclaimed_has(unclaimed, snapshot, &packet->dst))
		*out = packet->dst;
	else
		return false;
	return true;
}
