/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_ONSET_H
#define NETPOLD_ONSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/packet.h"

/**
 * The first packets of UDP flows: which of them sets the flow's mark.
 *
 * A flow that has its mark is not queued any more. Where the first packet sets
 * it while others of the flow still wait, the next one overtakes those.
 *
 * Who is judged on the CPU that sends cannot go on sending meanwhile: there the
 * first packet may set the mark, and all of this is not needed. Where packets
 * are judged on another CPU, more of them come all the time. So the mark is not
 * set while a flow's packets come in a burst: each of them is judged, and the
 * second in a row that comes alone after some silence sets it.
 *
 *	batch of the queue	the flow's packets	set the mark
 *	1			p1 p2 p3		no
 *	2			p4 p5			no
 *	3			p6			no: right behind p5
 *	4, later		p7			no: p8 may be close
 *	5, later		p8			yes
 *
 * These are first packets. Whatever way a flow goes on, what begins its next
 * burst after ONSET_STARTS of them sets the mark, and so does any packet after
 * ONSET_MAX, since each of them costs. TCP waits for its answer after the first
 * packet, so that none of this is for it.
 *
 * What is remembered of flows is small and may be forgotten, or taken for
 * another flow's: then a mark is set some packets early or late.
 *
 * Threads  any number at once: it is shared by all workers.
 */
struct onset;

/** Microseconds of silence after which a burst is over: a sender that has to
 *  give its CPU to another gets it back before that, as a rule. */
#define ONSET_QUIET_US 5000

/** Bursts, or packets that came alone and did not set the mark. */
#define ONSET_STARTS 3

/** Packets after which a flow gets its mark, however they come. */
#define ONSET_MAX 250

/** NULL without memory. @hash_key: drawn at random. */
struct onset *onset_new(const uint64_t hash_key[2]);

/** NULL is fine. */
void onset_free(struct onset *onset);

/**
 * What a flow is known by: the end that opened it. Flows that share it, over
 * one socket to several servers, count as one.
 *
 * @is_reply  the packet travels towards that end
 *
 * Returns  0 for what is no UDP.
 */
uint64_t onset_flow(const struct onset *onset, const struct packet *packet,
		    bool is_reply);

/**
 * Which packets of a batch may set their flow's mark.
 *
 * @flows   from onset_flow(), in the order in which the packets came; 0:
 * others, which may
 * @now_us  any clock; only its differences matter, and it may wrap around
 * @may     result, one for each
 */
void onset_judge(struct onset *onset, const uint64_t *flows, size_t n,
		 uint32_t now_us, bool *may);

#endif
