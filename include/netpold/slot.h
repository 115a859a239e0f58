/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SLOT_H
#define NETPOLD_SLOT_H

#include <stdint.h>

#include "netpold/snapshot.h"

/**
 * What a flow asks of its destination, as one number.
 *
 * Between two ends a verdict depends on the protocol and the port only, and
 * policies know ports of three protocols. So all there is to ask lies on one
 * line, and what one end may ask of another is a set of intervals on it:
 *
 *	0 …		ports of TCP
 *	0x10000 …	ports of UDP
 *	0x20000 …	ports of SCTP
 *	0x30000 …	TCP, UDP and SCTP without a port, which are later
 *			fragments (NP-74)
 *	0x30003		every other protocol, ping among them (NP-70, NP-77)
 */
enum {
	SLOT_TCP = 0x00000,
	SLOT_UDP = 0x10000,
	SLOT_SCTP = 0x20000,
	SLOT_FRAGMENTS = 0x30000,
	SLOT_OTHER = 0x30003,
	N_SLOTS = 0x30004,
};

/** The first and the last of neighbouring slots. */
struct slot_range {
	uint32_t first, last;
};

uint32_t slot_of(const struct flow_key *key);

/**
 * Fill in protocol and port of a flow that asks for a slot.
 *
 * Of other protocols it is ping, of the family of key->dst.
 */
void slot_apply(uint32_t slot, struct flow_key *key);

#endif
