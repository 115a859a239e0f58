/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_ADDR_H
#define NETPOLD_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * IP addresses and CIDR blocks, as values.
 *
 * The two families never meet (NP-37): an IPv4 address is in no IPv6 block,
 * and ::/0 does not cover IPv4.
 */
enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

/** bytes are in network order; an IPv4 address fills the first four, the rest
 *  is zero, so that two equal addresses are equal byte for byte. */
struct ip_addr {
	uint8_t bytes[16];
	uint8_t family; /* enum ip_family; IP_NONE is "no address" */
};

/** Longest text of an address, with its zero byte. */
#define IP_ADDR_TEXT_LEN 46
/** Longest text of a block, with its zero byte. */
#define CIDR_TEXT_LEN (IP_ADDR_TEXT_LEN + 4)

struct ip_addr ip_addr_v4(const uint8_t bytes[4]);
struct ip_addr ip_addr_v6(const uint8_t bytes[16]);

/** 4 or 16; 0 for no address. */
size_t ip_addr_len(const struct ip_addr *addr);

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);

/** Total order for sorting: by family, then by bytes. */
int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b);

/**
 * Read an address in its usual text form (RFC 4291 §2.2; dotted quad).
 *
 * An IPv4-mapped IPv6 address is the IPv4 address (AV-56). Leading zeros in
 * decimal parts are accepted and stay decimal, as the API server reads them.
 *
 * Returns  0, or -EINVAL with @out untouched.
 */
int ip_addr_parse(const char *text, size_t len, struct ip_addr *out);

/** Write the canonical text (RFC 5952); returns @text. "none" for no address.
 */
char *ip_addr_format(const struct ip_addr *addr, char text[IP_ADDR_TEXT_LEN]);

/** A block; host bits of @addr are zero (NP-38). */
struct cidr {
	struct ip_addr addr;
	uint8_t prefix_len;
};

/** What is odd about the text of a block that is accepted all the same
 *  (AV-57). */
enum cidr_oddity {
	CIDR_LEADING_ZEROS = 1 << 0,
	CIDR_IPV4_MAPPED = 1 << 1,
	CIDR_HOST_BITS = 1 << 2,
	CIDR_NOT_CANONICAL = 1 << 3, /* IPv6 not as RFC 5952 writes it */
};

/** How a block was written; for validation, which compares as the server does
 *  (AV-58). */
struct cidr_form {
	struct ip_addr written; /* the address before masking; a mapped one
				   as IPv4 */
	uint8_t raw_prefix_len; /* the number after the slash */
	bool mapped;		/* written as ::ffff:a.b.c.d/N */
	unsigned int oddities;	/* enum cidr_oddity, or-ed */
};

/**
 * Read "IP/LENGTH" by the lenient grammar of the API server (AV-55, AV-56).
 *
 * @form  how it was written, or NULL
 *
 * Returns  0, or -EINVAL with the results untouched.
 */
int cidr_parse(const char *text, size_t len, struct cidr *out,
	       struct cidr_form *form);

/** The block of this length that an address is in. @prefix_len is cut to what
 *  the family has. */
struct cidr cidr_around(const struct ip_addr *addr, unsigned int prefix_len);

bool cidr_contains(const struct cidr *cidr, const struct ip_addr *addr);

/** Write the canonical text; returns @text. */
char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_LEN]);

#endif
