/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_BATCH_H
#define NETPOLD_DAEMON_DATAPATH_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_addr;
struct queue_packet;
struct snapshot;
struct unclaimed;
struct worker;

/** What a round judges by. */
struct round {
	const struct snapshot *snapshot;
	const struct unclaimed *unclaimed; /* NULL: nobody's are held */
	uint32_t now_ms;
	int64_t at_us; /* Unix time, of events; 0: none are written */
};

/**
 * Judge the packets of a batch, and write down their answers.
 *
 * @unmarked   NULL, or which of them leave their flow without a mark
 * @waits_for  for each packet the address that it waits for: it has no answer.
 *             IP_NONE: it has one
 *
 * Threads  owning worker only, inside a read-side section.
 */
void batch_judge(struct worker *worker, const struct round *round,
		 const struct queue_packet *packets, size_t n,
		 const bool *unmarked, struct ip_addr *waits_for);

/**
 * Drop a packet that waits for an address: no pod has come to have it in time,
 * or too many wait. Its sender is told nothing, for it may be allowed when it
 * is sent again; the flow log is (NP-67).
 *
 * Threads  as for batch_judge().
 */
void batch_give_up(struct worker *worker, const struct round *round,
		   const struct queue_packet *packet);

/** Send what was written down. @n: answers, for the count of those that cannot
 *  be sent. */
void batch_send(struct worker *worker, uint64_t n);

#endif
