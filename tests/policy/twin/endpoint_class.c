/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint_class.h"

static bool is_between(const struct ip_addr *addr,
		       const struct reach_range *range)
{
	return ip_addr_compare(addr, &range->first) >= 0 &&
	       ip_addr_compare(addr, &range->last) <= 0;
}

struct endpoint_class find_class(const struct reach *reach,
				 enum reach_view view,
				 const struct ip_addr *addr)
{
	struct endpoint_class found = { 0 };
	size_t n_pods, n_ranges;
	const struct reach_pod *pods = reach_pods(reach, &n_pods);
	const struct reach_range *ranges = reach_ranges(reach, &n_ranges);

	for (size_t i = 0; i < n_pods; i++) {
		if (!ip_addr_equal(&pods[i].addrs[view], addr))
			continue;
		found.class = pods[i].class;
		found.pod = pods[i].pods[view];
		found.n++;
	}
	for (size_t i = 0; !found.pod && i < n_ranges; i++) {
		if (!is_between(addr, &ranges[i]))
			continue;
		found.class = ranges[i].class;
		found.n++;
	}
	return found;
}
