/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_ADDR_NUMBER_H
#define NETPOLD_POLICY_ADDR_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"

/**
 * Addresses as numbers, for whoever cuts them into ranges. Both families are
 * worked on alike.
 */
typedef unsigned __int128 addr_number;

/** The highest address of a family. */
static inline addr_number addr_number_last(enum ip_family family)
{
	return family == IP_V4 ? UINT32_MAX : ~(addr_number)0;
}

static inline uint32_t addr_number_v4(const struct ip_addr *addr)
{
	return (uint32_t)addr->bytes[0] << 24 | (uint32_t)addr->bytes[1] << 16 |
	       (uint32_t)addr->bytes[2] << 8 | addr->bytes[3];
}

static inline addr_number addr_number_of(const struct ip_addr *addr)
{
	addr_number number = 0;

	if (addr->family == IP_V4)
		return addr_number_v4(addr);
	for (size_t i = 0; i < 16; i++)
		number = number << 8 | addr->bytes[i];
	return number;
}

/** The reverse. */
static inline struct ip_addr addr_number_to(addr_number number,
					    enum ip_family family)
{
	struct ip_addr addr = { .family = (uint8_t)family };

	for (size_t i = family == IP_V4 ? 4 : 16; i-- > 0; number >>= 8)
		addr.bytes[i] = (uint8_t)number;
	return addr;
}

#endif
