/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_COPIES_H
#define NETPOLD_DAEMON_DATAPATH_COPIES_H

#include <stdint.h>

#include "netpold/err.h"

#include "datapath/queue.h"

/**
 * Copies of packets, from one netfilter log group (nfnetlink_log, NFLOG). What
 * was copied goes on at once: nothing that becomes of a copy can drop or delay
 * its packet (NF-97). A copy for which there is no room is lost, and counted
 * when the next one comes.
 *
 * A copy is told as a packet of a queue is, so that who judges need not know
 * the difference: its class, which the rule has told (copy_prefix.h), stands in
 * its mark; it has no number, and can be given no answer.
 *
 * Threads  owning worker only, but for copies_share().
 */
struct copies;

struct mark_layout;

struct copies_options {
	uint16_t group;
	const struct mark_layout *marks; /* outlives the copies */
};

/**
 * Have what is copied to a group.
 *
 * Returns  0; -EBUSY where another program holds the number; -EPERM without
 *          CAP_NET_ADMIN; -EOPNOTSUPP where the kernel has no nfnetlink_log.
 */
int copies_open(const struct copies_options *options, struct copies **out,
		struct err *err);

/**
 * Go on with a group that another process has. Each copy comes to one reader
 * only, so that none is counted as lost until copies_own().
 *
 * @fd  as copies_fd() of that process
 *
 * Owns     @fd, whatever it returns.
 * Returns  0; -EINVAL where @fd is no such socket; -ENOMEM.
 */
int copies_adopt(const struct copies_options *options, int fd,
		 struct copies **out, struct err *err);

/** NULL is fine. */
void copies_close(struct copies *copies);

/** A descriptor that polls readable when copies wait. */
int copies_fd(const struct copies *copies);

/** Another process may read, too, from now on: copies that are missing here may
 *  have come to it. Threads: any. */
void copies_share(struct copies *copies);

/** Nobody else reads any more. */
void copies_own(struct copies *copies);

/**
 * Take what waits, at most QUEUE_BATCH copies, without waiting for more.
 *
 * @n_lost  how many were lost before the last of them
 *
 * Returns  how many; 0 when nothing waits; -ENOBUFS when the kernel had no room
 *          for some; another negative errno.
 */
int copies_receive(struct copies *copies, struct queue_packet *packets,
		   uint64_t *n_lost);

#endif
