/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes may come in as a packet. Beyond not crashing, what is read has to
 * hang together: see the checks.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "netpold/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum packet_status status, const struct packet *packet,
		  size_t size)
{
	if (status == PACKET_MALFORMED)
		return;
	if (ip_addr_len(&packet->src) == 0 ||
	    packet->src.family != packet->dst.family)
		abort();
	if (packet->has_ports && status != PACKET_OK)
		abort();
	if (packet->l4_offset > size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum packet_status status;
	struct packet packet, quoted;

	status = packet_parse(data, size, &packet);
	check(status, &packet, size);
	if (packet_opens_tcp(&packet) && !packet.has_ports)
		abort();
	if (status != PACKET_OK || !packet_is_icmp_error(&packet))
		return 0;
	status = packet_parse_quoted(data, size, &packet, &quoted);
	check(status, &quoted, size);
	return 0;
}
