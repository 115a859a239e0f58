/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TRACK_H
#define NETPOLD_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/judge.h"
#include "netpold/packet.h"

/**
 * Which flow a packet belongs to, and which way it travels in it.
 *
 * On a node the kernel's connection tracking says so. A capture has only
 * packets and their times, so a tracker says the same from these: who opened
 * the flow, what is a reply, which ICMP error is about which flow, and when a
 * flow is over and the same addresses and ports are another one.
 *
 * Memory is bounded by a number of flows. Flows are handed out in the order in
 * which they were opened, each when it and all before it are over. At the
 * bound, the one that was opened first has to go although it may live on; this
 * is counted, and what still comes of it is a new flow that was picked up in
 * its middle.
 */
struct track;

enum flow_way { WAY_ORIGINAL = 0, WAY_REPLY = 1 };
#define N_FLOW_WAYS 2

struct flow {
	struct ip_addr src; /* who opened it */
	struct ip_addr dst;
	uint16_t src_port; /* host order; valid where has_ports */
	uint16_t dst_port; /* host order; valid where has_ports */
	uint8_t protocol;
	bool has_ports;
	/* TCP whose opening was not seen: src and dst may be the wrong way
	   round (NF-53). */
	bool picked_up;
	uint32_t round;		       /* the caller's; 0 at first */
	uint64_t number;	       /* from 0, in the order of opening */
	uint64_t packets[N_FLOW_WAYS]; /* ICMP errors not counted */
	uint64_t errors;	       /* ICMP errors about this flow */
	int64_t first_ns;	       /* time of the first packet */
	int64_t last_ns;	       /* and of the last one */
	void *data;		       /* the caller's; NULL at first */
};

/** How many flows at most, where the caller has no wish. One takes about 170
 *  bytes. */
#define TRACK_MAX_FLOWS_DEFAULT ((size_t)1 << 20)

struct track_options {
	uint64_t hash_key[2]; /* drawn at random, so that nobody can make
				 flows that all collide */
	size_t max_flows;     /* 0: TRACK_MAX_FLOWS_DEFAULT */
	/* Called for each flow once, in the order of opening; @flow goes when
	   it returns. May be NULL. */
	void (*done)(void *ctx, struct flow *flow);
	void *done_ctx;
};

/** Returns a tracker without flows, or NULL without memory. */
struct track *track_new(const struct track_options *options);

/** NULL is fine. Flows that were not handed out are forgotten. */
void track_free(struct track *track);
void track_freep(struct track **track);

/** What a packet is to its flow. */
struct tracked {
	struct flow *flow; /* until the next call; NULL: it has none */
	enum packet_class class;
	bool opened; /* the flow begins with this packet */
};

/**
 * Find the flow of the next packet of the capture, or open one.
 *
 * Classes are those that the kernel would give, with these differences, since
 * nothing is dropped here that it would call invalid: a SYN with ACK, or an
 * echo reply, whose opening was not seen belongs to a flow that its receiver
 * opened; an ICMP error that quotes no known flow is a flow of its own; and so
 * is a later fragment whose first one was not seen.
 *
 * @status  what packet_parse() said; only PACKET_OK and PACKET_FRAGMENT have a
 *          flow
 * @data    the packet, for what an ICMP error quotes
 * @now_ns  its time stamp; time before 1970, or running backwards, stands still
 *
 * Returns  0; -ENOMEM with the packet not counted.
 * Threads  one at a time.
 */
int track_packet(struct track *track, enum packet_status status,
		 const struct packet *packet, const uint8_t *data, size_t len,
		 int64_t now_ns, struct tracked *out);

/** What is known of a packet that will come soon. All zero is nothing. */
struct track_ahead {
	uint64_t place[6]; /* the tracker's */
	bool is_known;
};

/**
 * Begin to look for the flow of a packet that will come soon, and go on with
 * it. A table of a million flows is in no cache: who looks ahead by some
 * packets waits for all of them at once.
 *
 * @packet  as it will be given to track_packet_ahead()
 *
 * Nothing changes by it, and what comes meanwhile may be any packets.
 */
struct track_ahead track_look_ahead(const struct track *track,
				    enum packet_status status,
				    const struct packet *packet);
void track_fetch_ahead(const struct track *track,
		       const struct track_ahead *ahead);

/** track_packet() of a packet that was looked for. */
int track_packet_ahead(struct track *track, enum packet_status status,
		       const struct packet *packet, const uint8_t *data,
		       size_t len, int64_t now_ns,
		       const struct track_ahead *ahead, struct tracked *out);

/** No more packets come: hand out all flows that are left. */
void track_finish(struct track *track);

struct track_counts {
	uint64_t flows;	  /* opened so far */
	uint64_t evicted; /* handed out at the bound, before they were over */
};
struct track_counts track_counts(const struct track *track);

#endif
