/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_likeness.h"

#include <string.h>

static void liken_decision(uint8_t *out, const struct decision *decision)
{
	*out++ = (uint8_t)decision->verdict;
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		*out++ = (uint8_t)decision->sides[dir].verdict;
		*out++ = (uint8_t)decision->sides[dir].reason;
	}
}

static void liken_addr(uint8_t *out, const struct ip_addr *addr)
{
	memcpy(out, addr->bytes, sizeof(addr->bytes));
	out[sizeof(addr->bytes)] = addr->family;
}

struct flow_likeness flow_likeness_of(const struct flow_event *event)
{
	const struct flow_key *key = &event->key;
	struct flow_likeness likeness = {
		.port = { (uint8_t)(key->dst_port >> 8),
			  (uint8_t)key->dst_port },
		.protocol = key->protocol,
		.has_port = key->has_port,
		.from_own_node = key->from_own_node,
		.is_audit = event->is_audit,
		.note = event->note,
	};

	liken_addr(likeness.src, &key->src);
	liken_addr(likeness.dst, &key->dst);
	liken_decision(likeness.decisions[0], &event->decision);
	liken_decision(likeness.decisions[1], &event->planned);
	return likeness;
}
