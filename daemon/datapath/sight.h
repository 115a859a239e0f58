/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_SIGHT_H
#define NETPOLD_DAEMON_DATAPATH_SIGHT_H

#include <stdint.h>

#include "netpold/judge.h"
#include "netpold/packet.h"

#include "datapath/queue.h"
#include "flowlog/flow_event.h"

/**
 * What a worker keeps of a packet for the flow log, between reading it and
 * having its answer: what the question does not say.
 */
struct sight {
	struct ip_addr src, dst;
	uint16_t src_port, dst_port; /* host order; 0: none */
	uint8_t protocol;
	uint8_t tcp_flags;
	uint8_t icmp_type, icmp_code;
	uint8_t class; /* enum packet_class */
};

/** @status, @packet  what packet_parse() said */
struct sight sight_of(enum packet_class class, enum packet_status status,
		      const struct packet *packet);

/**
 * What the flow log gets of a packet that has its answer. Without staged
 * policies what is planned is what is decided.
 *
 * @at_us     Unix time
 *
 * Returns  cannot fail, does not allocate. Threads: any.
 */
struct flow_event sight_to_event(const struct sight *sight,
				 const struct queue_packet *packet,
				 const struct judgement *judgement,
				 int64_t at_us);

#endif
