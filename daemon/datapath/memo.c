/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/memo.h"

#include <stddef.h>
#include <string.h>

#include "netpold/object.h"

_Static_assert(offsetof(struct memo, protocol) + 1 == MEMO_KEY_LEN,
	       "a key has no holes");

/* Echo requests of code 0 are the only ones that are memorable; ipset has the
   type in the upper byte. */
#define ICMP_ECHO_REQUEST (8 << 8)
#define ICMPV6_ECHO_REQUEST (128 << 8)

static uint16_t port_of(const struct flow_key *key)
{
	if (key->protocol == PROTOCOL_ICMP)
		return ICMP_ECHO_REQUEST;
	if (key->protocol == PROTOCOL_ICMPV6)
		return ICMPV6_ECHO_REQUEST;
	return key->dst_port;
}

struct memo memo_of(const struct flow_key *key)
{
	return (struct memo){
		.src = key->src,
		.dst = key->dst,
		.port = port_of(key),
		.protocol = key->protocol,
	};
}

struct flow_key memo_question(const struct memo *memo)
{
	bool has_port = protocol_has_ports(memo->protocol);

	return (struct flow_key){
		.src = memo->src,
		.dst = memo->dst,
		.dst_port = has_port ? memo->port : 0,
		.protocol = memo->protocol,
		.has_port = has_port,
	};
}

bool memo_equal(const struct memo *a, const struct memo *b)
{
	return memcmp(a, b, MEMO_KEY_LEN) == 0;
}
