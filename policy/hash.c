/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/hash.h"

#include <endian.h>
#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_take(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

/* Up to eight bytes, the first one lowest, whatever the machine. */
static inline uint64_t little_endian(const uint8_t *data, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, data, n);
	return le64toh(word);
}

uint64_t hash_keyed(const uint64_t key[2], const void *data, size_t len)
{
	/* The constants are those of the paper. */
	struct sip s = {
		.v0 = key[0] ^ 0x736f6d6570736575,
		.v1 = key[1] ^ 0x646f72616e646f6d,
		.v2 = key[0] ^ 0x6c7967656e657261,
		.v3 = key[1] ^ 0x7465646279746573,
	};
	const uint8_t *at = data;
	size_t left = len;

	for (; left >= 8; left -= 8, at += 8)
		sip_take(&s, little_endian(at, 8));
	sip_take(&s, (uint64_t)len << 56 | little_endian(at, left));
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
