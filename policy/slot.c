/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/slot.h"

static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP,
				     PROTOCOL_SCTP };
#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

uint32_t slot_of(const struct flow_key *key)
{
	for (uint32_t i = 0; i < N_PROTOCOLS; i++) {
		if (protocols[i] != key->protocol)
			continue;
		return key->has_port ? i * SLOT_UDP + key->dst_port
				     : SLOT_FRAGMENTS + i;
	}
	return SLOT_OTHER;
}

void slot_apply(uint32_t slot, struct flow_key *key)
{
	key->has_port = slot < SLOT_FRAGMENTS;
	key->dst_port = key->has_port ? (uint16_t)(slot % SLOT_UDP) : 0;
	if (slot < SLOT_FRAGMENTS)
		key->protocol = protocols[slot / SLOT_UDP];
	else if (slot < SLOT_OTHER)
		key->protocol = protocols[slot - SLOT_FRAGMENTS];
	else
		key->protocol = key->dst.family == IP_V6 ? PROTOCOL_ICMPV6
							 : PROTOCOL_ICMP;
}
