/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_HASH_H
#define NETPOLD_HASH_H

#include <stddef.h>
#include <stdint.h>

/**
 * A keyed hash for tables whose keys come out of packets.
 *
 * Whoever can choose keys can put them all into one bucket of a hash that he
 * can compute. SipHash-2-4 (Aumasson and Bernstein, 2012) cannot be computed
 * without the key, which is drawn once, at random, and stays inside.
 */
uint64_t hash_keyed(const uint64_t key[2], const void *data, size_t len);

#endif
