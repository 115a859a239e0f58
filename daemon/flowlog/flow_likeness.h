/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_LIKENESS_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_LIKENESS_H

#include <stdint.h>

#include "netpold/addr.h"

#include "flowlog/flow_event.h"

/**
 * What makes events alike: the same question, verdicts, reasons, note and mode.
 * The source port is no part of that: who knocks at a door again is the same
 * who knocks.
 *
 * It is all bytes, so that there are none between them: to be hashed, and
 * compared with memcmp(3).
 */
struct flow_likeness {
	uint8_t src[sizeof(struct ip_addr)];
	uint8_t dst[sizeof(struct ip_addr)];
	uint8_t port[2];
	uint8_t protocol;
	uint8_t has_port, from_own_node;
	uint8_t is_audit, note;
	uint8_t decisions[2][1 + 2 * N_DIRECTIONS];
};

struct flow_likeness flow_likeness_of(const struct flow_event *event);

#endif
