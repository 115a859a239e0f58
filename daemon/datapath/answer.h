/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_ANSWER_H
#define NETPOLD_DAEMON_DATAPATH_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

struct judgement;
struct queue_packet;
struct worker;

/**
 * Write down what becomes of a packet, for batch_send() to send, and count it.
 * A copy of a packet is only counted.
 *
 * @may_mark  none of its flow waits behind it (netpold/onset.h)
 *
 * Threads  owning worker only, inside the section that it was judged in.
 */
void answer_packet(struct worker *worker, const struct queue_packet *packet,
		   const struct judgement *judgement, bool may_mark,
		   uint32_t now_ms);

#endif
