/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_UTF8_H
#define NETPOLD_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Stands for what is no character. */
#define UTF8_REPLACEMENT 0xfffd

#define UTF8_MAX_LEN 4

/**
 * Read the character at the front of some bytes (RFC 3629: no overlong forms,
 * no surrogates, nothing beyond U+10FFFF).
 *
 * @len  at least 1
 *
 * Returns  how many bytes it has; 0 where the bytes are no UTF-8, with @out
 *          untouched.
 */
size_t utf8_decode(const char *bytes, size_t len, uint32_t *out);

/** True when all bytes are below 0x80: nothing to decode. */
bool utf8_is_ascii(const char *bytes, size_t len);

/** Write a character; returns how many bytes it has. */
size_t utf8_encode(uint32_t c, char bytes[UTF8_MAX_LEN]);

#endif
