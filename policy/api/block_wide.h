/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_BLOCK_WIDE_H
#define NETPOLD_BLOCK_WIDE_H

#include <stdbool.h>

#include "block.h"

/**
 * Blocks, with what x86 CPUs have had since 2013 and not all of them have: 32
 * bytes at once, and one instruction for what takes block_between() six steps.
 * Bits are counted by one, too, where the compiler knows what block_count() is,
 * as GCC does.
 *
 * A function that calls these is BLOCK_WIDE, and is called where
 * block_is_wide().
 */
#ifdef __x86_64__

#include <immintrin.h>

#define BLOCK_WIDE __attribute__((target("avx2,bmi,pclmul,popcnt")))

static inline bool block_is_wide(void)
{
	return __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("pclmul") &&
	       __builtin_cpu_supports("popcnt");
}

BLOCK_WIDE static inline uint64_t block_equal_32(__m256i v, __m256i wanted)
{
	return (uint64_t)(unsigned int)_mm256_movemask_epi8(
		_mm256_cmpeq_epi8(v, wanted));
}

BLOCK_WIDE static inline uint64_t block_equal_wide(const __m256i v[2],
						   char wanted)
{
	const __m256i all = _mm256_set1_epi8(wanted);

	return block_equal_32(v[0], all) | block_equal_32(v[1], all) << 32;
}

/** As block_read(). */
BLOCK_WIDE static inline struct block block_read_wide(const char *bytes)
{
	const __m256i bit = _mm256_set1_epi8(BLOCK_BRACKET_BIT);
	__m256i v[2], braces[2];

	for (int i = 0; i < 2; i++) {
		v[i] = _mm256_loadu_si256(
			(const __m256i *)(const void *)(bytes + 32 * i));
		braces[i] = _mm256_or_si256(v[i], bit);
	}
	return (struct block){
		.quotes = block_equal_wide(v, '"'),
		.backslashes = block_equal_wide(v, '\\'),
		.opening = block_equal_wide(braces, '{'),
		.closing = block_equal_wide(braces, '}'),
	};
}

/** As block_between(): multiplied without carries by a number all of whose bits
 *  are set, each bit of the product is the sum of those up to it. */
BLOCK_WIDE static inline uint64_t block_between_wide(uint64_t quotes)
{
	const __m128i product = _mm_clmulepi64_si128(
		_mm_cvtsi64_si128((long long)quotes), _mm_set1_epi8(-1), 0);

	return (uint64_t)_mm_cvtsi128_si64(product);
}

#else

#define BLOCK_WIDE

static inline bool block_is_wide(void)
{
	return false;
}

static inline struct block block_read_wide(const char *bytes)
{
	return block_read(bytes);
}

static inline uint64_t block_between_wide(uint64_t quotes)
{
	return block_between(quotes);
}

#endif

#endif
