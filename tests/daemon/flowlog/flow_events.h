/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_DAEMON_FLOWLOG_FLOW_EVENTS_H
#define NETPOLD_TESTS_DAEMON_FLOWLOG_FLOW_EVENTS_H

#include <stdint.h>
#include <string.h>

#include "flowlog/flow_event.h"
#include "netpold/object.h"

/* A moment, Unix time: 2026-03-14T03:07:12.345678Z. */
#define EVENT_TIME_US INT64_C(1773457632345678)

static inline struct ip_addr addr_of(const char *text)
{
	struct ip_addr addr = { .family = IP_NONE };

	ip_addr_parse(text, strlen(text), &addr);
	return addr;
}

/** A TCP SYN of 60 bytes that was denied by the receiver's ingress. Each number
 *  is another flow: the low bits are its port, the rest its sender. */
static inline struct flow_event event_of(uint32_t number)
{
	const uint8_t src[4] = { 10, (uint8_t)(number >> 26),
				 (uint8_t)(number >> 18),
				 (uint8_t)(number >> 10) };

	return (struct flow_event){
		.at_us = EVENT_TIME_US,
		.key = { .src = ip_addr_v4(src),
			 .dst = addr_of("10.0.0.1"),
			 .dst_port = (uint16_t)(number % 1024 + 1),
			 .protocol = PROTOCOL_TCP,
			 .has_port = true },
		.src_port = 40000,
		.len = 60,
		.tcp_flags = 0x02,
		.decision.sides[DIRECTION_EGRESS] = { VERDICT_ALLOW,
						      REASON_NOT_ISOLATED },
		.planned.sides[DIRECTION_EGRESS] = { VERDICT_ALLOW,
						     REASON_NOT_ISOLATED },
	};
}

#endif
