/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_FRAGMENTS_H
#define NETPOLD_POLICY_FRAGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/packet.h"

/**
 * Which flow the later fragments of a datagram belong to.
 *
 * Only the first fragment has ports. Fragments of one datagram come together,
 * so a small memory of fixed size will do; where two datagrams fall on one
 * place, the newer one has it.
 */

#define N_FRAGMENT_PLACES 1024

/** No padding: it is hashed and compared as bytes. */
struct fragment_key {
	uint8_t src[16];
	uint8_t dst[16];
	uint32_t id;
	uint8_t family;
	uint8_t protocol; /* IPv4 only: in IPv6, options may lie between */
	uint8_t zero[2];
};

struct fragments {
	uint64_t hash_key[2];
	struct fragment_place {
		struct fragment_key key;
		uint64_t flow_number;
		int64_t seen_ns;
		bool used;
	} places[N_FRAGMENT_PLACES];
};

/** @first is a first fragment of the flow. */
void fragments_remember(struct fragments *fragments, const struct packet *first,
			uint64_t flow_number, int64_t now_ns);

/** True when the flow of a later fragment is known. */
bool fragments_find(const struct fragments *fragments,
		    const struct packet *later, int64_t now_ns,
		    uint64_t *flow_number);

#endif
