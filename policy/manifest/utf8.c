/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "utf8.h"

#include <string.h>

/* How many bytes a character has that begins with this one; 0 for none. */
static size_t sequence_len(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc0)
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf8 ? 4 : 0;
}

static bool is_character(uint32_t c, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	return c >= least[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

size_t utf8_decode(const char *bytes, size_t len, uint32_t *out)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t n = sequence_len(p[0]);
	uint32_t c;

	if (n == 0 || n > len)
		return 0;
	c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (!is_character(c, n))
		return 0;
	*out = c;
	return n;
}

bool utf8_is_ascii(const char *bytes, size_t len)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	unsigned char any = 0;

	for (; len >= sizeof(high); len -= sizeof(high)) {
		uint64_t eight;

		memcpy(&eight, bytes, sizeof(eight));
		if (eight & high)
			return false;
		bytes += sizeof(eight);
	}
	while (len > 0)
		any |= (unsigned char)bytes[--len];
	return any < 0x80;
}

size_t utf8_encode(uint32_t c, char bytes[UTF8_MAX_LEN])
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	bytes[0] = (char)(marks[n] | c);
	return n;
}
