/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_QUEUE_H
#define NETPOLD_DAEMON_DATAPATH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * One netfilter queue (nfnetlink_queue): packets come in batches, answers
 * leave in one send.
 *
 * Threads  owning worker only.
 */
struct queue;

/** Packets that one receive can bring. */
#define QUEUE_BATCH 64

/** Packets that may wait for their answers in the kernel. */
#define QUEUE_MAX_LEN 1024

/** Bytes of a packet that are copied: long enough that padding with extension
 *  headers is no way around a policy (L7, NF-31). */
#define QUEUE_COPY_RANGE 512

/** One packet that waits for its answer. */
struct queue_packet {
	uint32_t id;	     /* the kernel's name for it in this queue */
	uint32_t mark;	     /* the packet mark as it came; host order */
	uint8_t hook;	     /* enum nf_inet_hooks: where it was queued */
	const uint8_t *data; /* from the IP header on; valid until the next
				receive */
	size_t len;	     /* bytes copied; the packet may be longer */
};

/** What the kernel does with it. */
enum queue_verdict {
	QUEUE_DROP = 0,
	QUEUE_ACCEPT, /* on to the next table (NF-20) */
	QUEUE_REPEAT, /* through our chains once more, with the new mark */
};

struct queue_options {
	uint16_t number;
	bool accept_overload; /* a full queue lets pass, and does not drop */
};

/**
 * Bind a queue.
 *
 * Returns  0; -EBUSY where another program holds the number; -EPERM without
 *          CAP_NET_ADMIN; -EOPNOTSUPP where the kernel has no nfnetlink_queue.
 */
int queue_open(const struct queue_options *options, struct queue **out,
	       struct err *err);

/**
 * Go on with a queue that another process has bound: with its number, and with
 * the packets that wait in it. Whoever has its descriptor may answer any of
 * them; each message comes to one reader only.
 *
 * @options  what differs from what it was bound with is changed
 * @fd       as queue_fd() of that process
 *
 * Owns     @fd, whatever it returns.
 * Returns  0; -EINVAL where @fd is no such socket; another negative errno.
 */
int queue_adopt(const struct queue_options *options, int fd, struct queue **out,
		struct err *err);

/**
 * Have every packet judged anew that another reader has taken, and has left
 * without an answer: it goes through the rules once more, and comes back. It is
 * set up anew, too, as that reader may have changed that.
 *
 * All that waits is repeated, in the order in which it came, also what that
 * reader has not taken. A packet that this one has not received yet either is
 * received twice, under two numbers, and the kernel passes over the answer to
 * the first.
 *
 * @last_id  of a packet that came a short while ago, or of the last one
 *
 * Returns  0, or a negative errno.
 */
int queue_reclaim(struct queue *queue, uint32_t last_id);

/** NULL is fine. Packets that still wait are dropped (NF-23), unless another
 *  process has a descriptor of it. */
void queue_close(struct queue *queue);

/** A descriptor that polls readable when packets wait. */
int queue_fd(const struct queue *queue);

/**
 * Take what waits, at most QUEUE_BATCH packets, without waiting for more.
 *
 * Returns  how many; 0 when nothing waits; -ENOBUFS when the kernel had to
 *          lose packets because they were not fetched fast enough (NF-41), not
 *          fatal; another negative errno.
 */
int queue_receive(struct queue *queue, struct queue_packet *packets);

/** Write down an answer; @mark replaces the packet mark (NF-37). At most
 *  QUEUE_BATCH between two sends. */
void queue_answer(struct queue *queue, uint32_t id, enum queue_verdict verdict,
		  uint32_t mark);

/**
 * Send all answers that were written down. A kernel that is short of memory is
 * asked again, a few times.
 *
 * Returns  0, or a negative errno; the packets then wait until the queue is
 *          closed.
 */
int queue_send(struct queue *queue);

#endif
