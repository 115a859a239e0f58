/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that is accepted as a block has a canonical form, which is accepted as
 * the same block and has nothing odd about it; and the block holds its own
 * address.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/addr.h"

static void check_block(const char *text, size_t len)
{
	char canonical[CIDR_TEXT_LEN], again[CIDR_TEXT_LEN];
	struct cidr cidr, second;
	struct cidr_form form;

	if (cidr_parse(text, len, &cidr, NULL) < 0)
		return;
	cidr_format(&cidr, canonical);
	if (cidr_parse(canonical, strlen(canonical), &second, &form) < 0 ||
	    strcmp(canonical, cidr_format(&second, again)) != 0 ||
	    !ip_addr_equal(&cidr.addr, &second.addr) ||
	    cidr.prefix_len != second.prefix_len ||
	    !cidr_contains(&cidr, &cidr.addr))
		abort();
	/* "::/8" may be what is left of a mapped form; all others are as
	   people should write them. */
	if (form.oddities & ~(unsigned int)CIDR_IPV4_MAPPED)
		abort();
}

static void check_address(const char *text, size_t len)
{
	char canonical[IP_ADDR_TEXT_LEN];
	struct ip_addr addr, again;

	if (ip_addr_parse(text, len, &addr) < 0)
		return;
	ip_addr_format(&addr, canonical);
	if (ip_addr_parse(canonical, strlen(canonical), &again) < 0 ||
	    !ip_addr_equal(&addr, &again) ||
	    ip_addr_compare(&addr, &again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_block((const char *)data, size);
	check_address((const char *)data, size);
	return 0;
}
