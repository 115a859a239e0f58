/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_QUEUE_STATUS_H
#define NETPOLD_DAEMON_DATAPATH_QUEUE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What the kernel says of netfilter queues: how many packets wait in each, and
 * how many it has dropped because we did not keep up.
 *
 * It is read from /proc/net/netfilter/nfnetlink_queue, which takes no part in
 * the life of a packet.
 */
struct queue_status {
	bool known;	       /* the kernel has such a queue now */
	uint32_t waiting;      /* packets without an answer yet */
	uint32_t dropped;      /* packets that found the queue full */
	uint32_t user_dropped; /* packets that found our socket full */
	uint32_t last_id;      /* of the packets that came so far */
};

#define QUEUE_STATUS_PATH "/proc/net/netfilter/nfnetlink_queue"

/**
 * Read one line of the kernel's list.
 *
 * @number  which queue it is about
 *
 * Returns  false where it is no such line.
 */
bool queue_status_parse(const char *line, uint16_t *number,
			struct queue_status *out);

/**
 * Read how queues @base to @base + @n - 1 are. Those of others are passed over.
 *
 * @path  QUEUE_STATUS_PATH, or a file like it
 *
 * Returns  0; a negative errno where the list cannot be read: none is known
 *          then.
 * Threads  any.
 */
int queue_status_read(const char *path, uint16_t base,
		      struct queue_status *queues, size_t n);

#endif
