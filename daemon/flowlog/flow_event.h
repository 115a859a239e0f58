/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_EVENT_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/judge.h"
#include "netpold/snapshot.h"

/** Beside enum judge_note: the kernel gave an answer that it remembered, or a
 *  flow was let through and has ended, which what is in force now does not
 *  say, or nothing is. */
#define FLOW_NOTE_REMEMBERED (NOTE_UNCLAIMED + 1)

/**
 * What is written down of a packet that was judged, for the flow log: a plain
 * value, since who writes it has no time, and who reads it comes later.
 */
struct flow_event {
	int64_t at_us;	     /* Unix time, as exact as a coarse clock is */
	struct flow_key key; /* the question that decided; without one (@note)
				only src, dst and protocol, as far as they
				could be read */
	uint16_t src_port;   /* host order, of key.src; 0 where there is none */
	uint32_t len;	     /* bytes, from the IP header on */
	uint8_t tcp_flags;   /* as in the header; 0 where it is not TCP */
	uint8_t icmp_type;   /* these two where it is ICMP or ICMPv6 */
	uint8_t icmp_code;
	uint8_t class;	/* enum packet_class */
	uint8_t answer; /* enum answer: what became of the packet; where it was
			   only copied, what would have */
	uint8_t note;	/* enum judge_note, or FLOW_NOTE_REMEMBERED */
	bool is_audit;	/* it was copied (--mode=audit): nothing became of it */
	bool reversed;	/* the packet ran against key */
	/* The verdict by what is enforced. Under --mode=audit, by what would
	   be. */
	struct decision decision;
	/* The verdict if what is staged were enforced, too; the same where
	   nothing is staged. */
	struct decision planned;
};

#endif
