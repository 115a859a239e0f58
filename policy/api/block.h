/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_BLOCK_H
#define NETPOLD_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/**
 * 64 bytes of JSON at once: which of them are structure. Bit i of a mask is
 * byte i of the block.
 *
 * The masks are those of Langdale and Lemire, "Parsing Gigabytes of JSON per
 * Second" (2019). SSE2 is what every 64-bit x86 has; elsewhere a loop is left
 * to the compiler. All is inline, because a call would cost as much as what it
 * does.
 */
#define BLOCK_SIZE 64

struct block {
	uint64_t quotes;
	uint64_t backslashes;
	uint64_t opening; /* { and [ */
	uint64_t closing; /* } and ] */
};

/* '[' and ']' differ from '{' and '}' by this bit, and no other byte becomes
   one of them with it. */
#define BLOCK_BRACKET_BIT 0x20

#ifdef __SSE2__

static inline uint64_t block_equal_16(__m128i v, __m128i wanted)
{
	return (uint64_t)(unsigned int)_mm_movemask_epi8(
		_mm_cmpeq_epi8(v, wanted));
}

static inline uint64_t block_equal(const __m128i v[4], char wanted)
{
	const __m128i all = _mm_set1_epi8(wanted);

	return block_equal_16(v[0], all) | block_equal_16(v[1], all) << 16 |
	       block_equal_16(v[2], all) << 32 |
	       block_equal_16(v[3], all) << 48;
}

/** @bytes  BLOCK_SIZE of them, at any address */
static inline struct block block_read(const char *bytes)
{
	const __m128i bit = _mm_set1_epi8(BLOCK_BRACKET_BIT);
	__m128i v[4], braces[4];

	for (int i = 0; i < 4; i++) {
		v[i] = _mm_loadu_si128(
			(const __m128i *)(const void *)(bytes + 16 * i));
		braces[i] = _mm_or_si128(v[i], bit);
	}
	return (struct block){
		.quotes = block_equal(v, '"'),
		.backslashes = block_equal(v, '\\'),
		.opening = block_equal(braces, '{'),
		.closing = block_equal(braces, '}'),
	};
}

/** How many bytes come before the first quote or backslash. */
static inline size_t block_plain(const char *bytes, size_t len)
{
	const __m128i quotes = _mm_set1_epi8('"');
	const __m128i backslashes = _mm_set1_epi8('\\');
	size_t i = 0;

	for (; len - i >= 16; i += 16) {
		const __m128i v = _mm_loadu_si128(
			(const __m128i *)(const void *)(bytes + i));
		uint64_t mask = block_equal_16(v, quotes) |
				block_equal_16(v, backslashes);

		if (mask)
			return i + (size_t)__builtin_ctzll(mask);
	}
	while (i < len && bytes[i] != '"' && bytes[i] != '\\')
		i++;
	return i;
}

#else

/** How many bytes come before the first quote or backslash. */
static inline size_t block_plain(const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && bytes[i] != '"' && bytes[i] != '\\')
		i++;
	return i;
}

/** @bytes  BLOCK_SIZE of them */
static inline struct block block_read(const char *bytes)
{
	struct block block = { 0 };

	for (int i = 0; i < BLOCK_SIZE; i++) {
		const char ch = bytes[i], brace = ch | BLOCK_BRACKET_BIT;

		block.quotes |= (uint64_t)(ch == '"') << i;
		block.backslashes |= (uint64_t)(ch == '\\') << i;
		block.opening |= (uint64_t)(brace == '{') << i;
		block.closing |= (uint64_t)(brace == '}') << i;
	}
	return block;
}

#endif

/**
 * Which bytes follow a backslash that is not itself escaped.
 *
 * Of a run of backslashes every second byte is escaped, and what follows the
 * run is if the run is odd. Adding a run's first bit to it carries over to the
 * bit behind its end, whose place tells, odd or even, how long the run was.
 *
 * @escaped  whether the first byte is; then whether the one behind the block is
 */
static inline uint64_t block_escaped(uint64_t backslashes, uint64_t *escaped)
{
	const uint64_t even = UINT64_C(0x5555555555555555);
	const uint64_t first = *escaped;
	uint64_t follows, odd_starts, ends;

	backslashes &= ~first;
	if (!backslashes) {
		*escaped = 0;
		return first;
	}
	follows = backslashes << 1 | first;
	odd_starts = backslashes & ~even & ~follows;
	*escaped = __builtin_add_overflow(odd_starts, backslashes, &ends);
	return (even ^ ends << 1) & follows;
}

/** Bit i: whether an odd number of the bits 0 … i is set. From quotes, the
 *  bytes from an opening one up to the closing one, which is left out. */
static inline uint64_t block_between(uint64_t quotes)
{
	for (unsigned int shift = 1; shift < BLOCK_SIZE; shift *= 2)
		quotes ^= quotes << shift;
	return quotes;
}

/** How many bits are set. The instruction for it is not in every x86. */
static inline unsigned int block_count(uint64_t mask)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	mask -= mask >> 1 & 0x55 * ones;
	mask = (mask & 0x33 * ones) + (mask >> 2 & 0x33 * ones);
	mask = (mask + (mask >> 4)) & 0x0f * ones;
	return (unsigned int)(mask * ones >> 56);
}

#endif
