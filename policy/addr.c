/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text forms that are accepted are those of the API server, which are
 * wider than inet_pton(3)'s: decimal parts and groups may carry leading zeros,
 * and an IPv4-mapped IPv6 address is the IPv4 address it stands for.
 */
#include "netpold/addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define IPV4_LEN 4
#define IPV6_LEN 16
#define MAPPED_PREFIX_LEN 96 /* bits of ::ffff:0:0/96 (RFC 4291 §2.5.5.2) */

struct ip_addr ip_addr_v4(const uint8_t bytes[4])
{
	struct ip_addr addr = { .family = IP_V4 };

	memcpy(addr.bytes, bytes, IPV4_LEN);
	return addr;
}

struct ip_addr ip_addr_v6(const uint8_t bytes[16])
{
	struct ip_addr addr = { .family = IP_V6 };

	memcpy(addr.bytes, bytes, IPV6_LEN);
	return addr;
}

size_t ip_addr_len(const struct ip_addr *addr)
{
	if (addr->family == IP_V4)
		return IPV4_LEN;
	return addr->family == IP_V6 ? IPV6_LEN : 0;
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* The longest run of two or more zero groups, the first of equals, is what
   "::" stands for (RFC 5952 §4.2). */
static void find_gap(const unsigned int groups[8], int *start, int *len)
{
	*start = 0;
	*len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && groups[i + n] == 0)
			n++;
		if (n > *len) {
			*start = i;
			*len = n;
		}
		i += n;
	}
}

/* inet_ntop(3) will not do: it writes ::102:304 as a dotted quad, which is no
   canonical form. */
static void format_ipv6(const uint8_t bytes[IPV6_LEN], char *text)
{
	unsigned int groups[8];
	int gap, gap_len, n = 0;

	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned int)bytes[2 * i] << 8 | bytes[2 * i + 1];
	find_gap(groups, &gap, &gap_len);
	for (int i = 0; i < 8; i++) {
		if (gap_len > 1 && i == gap) {
			n += sprintf(text + n, "::");
			i += gap_len - 1;
			continue;
		}
		n += sprintf(text + n, "%s%x",
			     n && text[n - 1] != ':' ? ":" : "", groups[i]);
	}
}

static bool is_mapped(const uint8_t bytes[IPV6_LEN])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(bytes, prefix, sizeof(prefix)) == 0;
}

char *ip_addr_format(const struct ip_addr *addr, char text[IP_ADDR_TEXT_LEN])
{
	const uint8_t *b = addr->bytes;

	if (addr->family == IP_V4)
		sprintf(text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	else if (addr->family == IP_V6 && is_mapped(b))
		sprintf(text, "::ffff:%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
	else if (addr->family == IP_V6)
		format_ipv6(b, text);
	else
		strcpy(text, "none");
	return text;
}

/* ---- reading text ------------------------------------------------------- */

/* What is left to read. Readers move `at` on and leave it where they stop. */
struct cursor {
	const char *at;
	const char *end;
	bool leading_zeros; /* seen in any number so far */
};

static bool at_char(const struct cursor *c, char wanted)
{
	return c->at < c->end && *c->at == wanted;
}

static bool skip_char(struct cursor *c, char wanted)
{
	if (!at_char(c, wanted))
		return false;
	c->at++;
	return true;
}

static int digit_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return 255;
}

/* One number of the given base, at most @max. False when there is none. */
static bool read_number(struct cursor *c, int base, unsigned int max,
			unsigned int *out)
{
	const char *start = c->at;
	unsigned int value = 0;

	while (c->at < c->end && digit_value(*c->at) < base) {
		value = value * base + digit_value(*c->at);
		if (value > max)
			return false;
		c->at++;
	}
	if (c->at == start)
		return false;
	/* "0db8" is not canonical, but four digits are what a group has. */
	if (*start == '0' && c->at - start > (base == 16 ? 4 : 1))
		c->leading_zeros = true;
	*out = value;
	return true;
}

static bool read_dotted_quad(struct cursor *c, uint8_t out[IPV4_LEN])
{
	for (int i = 0; i < IPV4_LEN; i++) {
		unsigned int part;

		if (i > 0 && !skip_char(c, '.'))
			return false;
		if (!read_number(c, 10, 255, &part))
			return false;
		out[i] = (uint8_t)part;
	}
	return true;
}

/* The group at the cursor turns out to be the first part of a dotted quad. */
static bool quad_follows(const struct cursor *c)
{
	const char *p = c->at;

	while (p < c->end && *p >= '0' && *p <= '9')
		p++;
	return p > c->at && p < c->end && *p == '.';
}

static bool read_ipv6(struct cursor *c, uint8_t out[IPV6_LEN])
{
	uint8_t bytes[IPV6_LEN] = { 0 };
	int n = 0, gap = -1;

	if (c->end - c->at >= 2 && c->at[0] == ':' && c->at[1] == ':') {
		c->at += 2;
		gap = 0;
	}
	while (n < IPV6_LEN && c->at < c->end && *c->at != '/') {
		unsigned int group;

		if (quad_follows(c)) {
			if (n > IPV6_LEN - IPV4_LEN ||
			    (gap < 0 && n != IPV6_LEN - IPV4_LEN) ||
			    !read_dotted_quad(c, bytes + n))
				return false;
			n += IPV4_LEN;
			break;
		}
		if (!read_number(c, 16, 0xffff, &group))
			return false;
		bytes[n++] = (uint8_t)(group >> 8);
		bytes[n++] = (uint8_t)group;
		if (c->at == c->end || *c->at == '/' || n == IPV6_LEN)
			break;
		if (!skip_char(c, ':') || c->at == c->end)
			return false;
		if (at_char(c, ':')) {
			if (gap >= 0)
				return false;
			c->at++;
			gap = n;
		} else if (at_char(c, '/')) {
			return false;
		}
	}
	if (gap < 0 && n != IPV6_LEN)
		return false;
	if (gap >= 0) {
		if (n == IPV6_LEN)
			return false; /* "::" stands for one group at least */
		memmove(bytes + IPV6_LEN - (n - gap), bytes + gap,
			(size_t)(n - gap));
		memset(bytes + gap, 0, (size_t)(IPV6_LEN - n));
	}
	memcpy(out, bytes, IPV6_LEN);
	return true;
}

/* An address as written: a mapped one stays IPv6 here. */
static bool read_address(struct cursor *c, struct ip_addr *out)
{
	uint8_t bytes[IPV6_LEN];

	if (quad_follows(c)) {
		if (!read_dotted_quad(c, bytes))
			return false;
		*out = ip_addr_v4(bytes);
		return true;
	}
	if (!read_ipv6(c, bytes))
		return false;
	*out = ip_addr_v6(bytes);
	return true;
}

static struct ip_addr unmap(const struct ip_addr *addr)
{
	if (addr->family == IP_V6 && is_mapped(addr->bytes))
		return ip_addr_v4(addr->bytes + IPV6_LEN - IPV4_LEN);
	return *addr;
}

int ip_addr_parse(const char *text, size_t len, struct ip_addr *out)
{
	struct cursor c = { .at = text, .end = text + len };
	struct ip_addr addr;

	if (!read_address(&c, &addr) || c.at != c.end)
		return -EINVAL;
	*out = unmap(&addr);
	return 0;
}

/* ---- blocks ------------------------------------------------------------- */

/* Clear the bits after the prefix; true if any was set. */
static bool mask_host_bits(struct ip_addr *addr, unsigned int prefix_len)
{
	bool cleared = false;

	for (size_t i = 0; i < ip_addr_len(addr); i++) {
		unsigned int before = (unsigned int)i * 8;
		unsigned int kept =
			prefix_len > before ? prefix_len - before : 0;
		uint8_t host_bits = (uint8_t)(0xff >> (kept < 8 ? kept : 8));

		if (addr->bytes[i] & host_bits)
			cleared = true;
		addr->bytes[i] &= (uint8_t)~host_bits;
	}
	return cleared;
}

static bool is_canonical(const struct ip_addr *addr, const char *text,
			 size_t len)
{
	char canonical[IP_ADDR_TEXT_LEN];

	ip_addr_format(addr, canonical);
	return strlen(canonical) == len && memcmp(canonical, text, len) == 0;
}

int cidr_parse(const char *text, size_t len, struct cidr *out,
	       struct cidr_form *form)
{
	struct cursor c = { .at = text, .end = text + len };
	struct cidr_form seen = { 0 };
	struct ip_addr addr;
	unsigned int prefix_len, max_len;
	size_t addr_text_len;

	if (!read_address(&c, &addr))
		return -EINVAL;
	addr_text_len = (size_t)(c.at - text);
	max_len = (unsigned int)ip_addr_len(&addr) * 8;
	if (!skip_char(&c, '/') || !read_number(&c, 10, max_len, &prefix_len) ||
	    c.at != c.end)
		return -EINVAL;

	if (c.leading_zeros)
		seen.oddities |= CIDR_LEADING_ZEROS;
	if (addr.family == IP_V6 && !is_canonical(&addr, text, addr_text_len))
		seen.oddities |= CIDR_NOT_CANONICAL;
	seen.raw_prefix_len = (uint8_t)prefix_len;
	seen.mapped = addr.family == IP_V6 && is_mapped(addr.bytes);
	seen.written = unmap(&addr);
	if (seen.mapped)
		seen.oddities |= CIDR_IPV4_MAPPED;

	/* A short prefix of a mapped address leaves a plain IPv6 block behind,
	   which matches no IPv4 address (AV-56). */
	if (mask_host_bits(&addr, prefix_len))
		seen.oddities |= CIDR_HOST_BITS;
	if (seen.mapped && prefix_len >= MAPPED_PREFIX_LEN) {
		addr = unmap(&addr);
		prefix_len -= MAPPED_PREFIX_LEN;
	}
	out->addr = addr;
	out->prefix_len = (uint8_t)prefix_len;
	if (form)
		*form = seen;
	return 0;
}

struct cidr cidr_around(const struct ip_addr *addr, unsigned int prefix_len)
{
	unsigned int most = (unsigned int)ip_addr_len(addr) * 8;
	struct cidr block = { .addr = *addr };

	block.prefix_len = (uint8_t)(prefix_len < most ? prefix_len : most);
	mask_host_bits(&block.addr, block.prefix_len);
	return block;
}

bool cidr_contains(const struct cidr *cidr, const struct ip_addr *addr)
{
	size_t whole = cidr->prefix_len / 8;
	unsigned int rest = cidr->prefix_len % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (cidr->addr.family != addr->family ||
	    memcmp(cidr->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       (addr->bytes[whole] & mask) == (cidr->addr.bytes[whole] & mask);
}

char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_LEN])
{
	char addr[IP_ADDR_TEXT_LEN];

	snprintf(text, CIDR_TEXT_LEN, "%s/%u",
		 ip_addr_format(&cidr->addr, addr), cidr->prefix_len);
	return text;
}
