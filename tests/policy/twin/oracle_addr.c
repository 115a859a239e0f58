/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oracle_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Addresses and blocks by the lenient grammar of AV-55: decimal parts with any
 * number of leading zeros, hexadecimal groups with superfluous ones, a dotted
 * quad at the end of an IPv6 address.
 */

/* Digits of the given base only, at least one; -1 when not or above max. */
static long number_parse(const char *text, size_t len, int base, long max)
{
	long value = 0;

	if (len == 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		const char *digits = "0123456789abcdef";
		char c = text[i];
		const char *at;

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		at = c == '\0' ? NULL : strchr(digits, c);
		if (at == NULL || at - digits >= base)
			return -1;
		value = value * base + (at - digits);
		if (value > max)
			return -1;
	}
	return value;
}

static bool quad_parse(const char *text, size_t len, uint8_t out[4])
{
	const char *end = text + len;

	for (int i = 0; i < 4; i++) {
		const char *dot = memchr(text, '.', (size_t)(end - text));
		const char *stop = i < 3 ? dot : end;
		long part;

		if (stop == NULL)
			return false;
		part = number_parse(text, (size_t)(stop - text), 10, 255);
		if (part < 0)
			return false;
		out[i] = (uint8_t)part;
		text = stop + 1;
	}
	return true;
}

/* Groups between colons, to bytes; how many bytes, or -1. A dotted quad may
   only be the last one. An empty text has no groups. */
static int groups_parse(const char *text, size_t len, uint8_t out[16])
{
	const char *end = text + len;
	int n = 0;

	if (len == 0)
		return 0;
	for (;;) {
		const char *colon = memchr(text, ':', (size_t)(end - text));
		const char *stop = colon != NULL ? colon : end;
		size_t size = (size_t)(stop - text);

		if (colon == NULL && memchr(text, '.', size) != NULL) {
			if (n > 12 || !quad_parse(text, size, out + n))
				return -1;
			return n + 4;
		}
		long group = number_parse(text, size, 16, 0xffff);

		if (group < 0 || n > 14)
			return -1;
		out[n++] = (uint8_t)(group >> 8);
		out[n++] = (uint8_t)(group & 0xff);
		if (colon == NULL)
			return n;
		text = colon + 1;
	}
}

static bool v6_parse(const char *text, size_t len, uint8_t out[16])
{
	const char *gap = memmem(text, len, "::", 2);
	uint8_t head[16] = { 0 }, tail[16] = { 0 };
	int n_head, n_tail;

	if (gap == NULL)
		return groups_parse(text, len, out) == 16;
	n_head = groups_parse(text, (size_t)(gap - text), head);
	n_tail = groups_parse(gap + 2, (size_t)(text + len - gap - 2), tail);
	if (n_head < 0 || n_tail < 0 || n_head + n_tail > 14)
		return false;
	memset(out, 0, 16);
	memcpy(out, head, (size_t)n_head);
	memcpy(out + 16 - n_tail, tail, (size_t)n_tail);
	return true;
}

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* Leaves a mapped address as IPv6: the block needs to know. */
static bool raw_parse(const char *text, size_t len, struct o_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (memchr(text, ':', len) == NULL) {
		out->family = 4;
		return quad_parse(text, len, out->bytes);
	}
	out->family = 6;
	return v6_parse(text, len, out->bytes);
}

static bool is_mapped(const struct o_addr *addr)
{
	return addr->family == 6 && memcmp(addr->bytes, mapped_prefix, 12) == 0;
}

static void unmap(struct o_addr *addr)
{
	memmove(addr->bytes, addr->bytes + 12, 4);
	memset(addr->bytes + 4, 0, 12);
	addr->family = 4;
}

bool o_addr_parse(const char *text, size_t len, struct o_addr *out)
{
	if (!raw_parse(text, len, out))
		return false;
	if (is_mapped(out))
		unmap(out);
	return true;
}

bool o_addr_equal(const struct o_addr *a, const struct o_addr *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

bool o_block_parse(const char *text, struct o_block *out)
{
	const char *slash = strchr(text, '/');
	long len;

	if (slash == NULL ||
	    !raw_parse(text, (size_t)(slash - text), &out->addr))
		return false;
	len = number_parse(slash + 1, strlen(slash + 1), 10,
			   out->addr.family == 4 ? 32 : 128);
	if (len < 0)
		return false;
	/* AV-56: mapped and at least 96 long is IPv4, shorter is IPv6. */
	if (is_mapped(&out->addr) && len >= 96) {
		unmap(&out->addr);
		len -= 96;
	}
	out->len = (unsigned int)len;
	return true;
}

/* Bit by bit; the block's own host bits do not count (NP-38). */
bool o_block_contains(const struct o_block *block, const struct o_addr *addr)
{
	if (block->addr.family != addr->family)
		return false; /* NP-37 */
	for (unsigned int bit = 0; bit < block->len; bit++) {
		unsigned int mask = 0x80u >> (bit % 8);

		if ((block->addr.bytes[bit / 8] & mask) !=
		    (addr->bytes[bit / 8] & mask))
			return false;
	}
	return true;
}

void o_die(const char *what, const char *with)
{
	fprintf(stderr, "oracle: %s: %s\n", what, with);
	abort();
}
