/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_ENDPOINT_CLASS_H
#define NETPOLD_TESTS_POLICY_ENDPOINT_CLASS_H

#include "netpold/reach.h"

/** Which class an address is of, found by looking at all of them. */
struct endpoint_class {
	uint32_t class;
	const struct pod *pod; /* NULL: it is outside */
	size_t n;	       /* of how many; 1 unless something is wrong */
};

struct endpoint_class find_class(const struct reach *reach,
				 enum reach_view view,
				 const struct ip_addr *addr);

#endif
