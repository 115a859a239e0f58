/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_CONNTRACK_ENDS_H
#define NETPOLD_DAEMON_DATAPATH_CONNTRACK_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

#include "datapath/conntrack.h"

/**
 * Connections that have ended, as the kernel tells whoever listens: those that
 * are opened while somebody does (where nf_conntrack_events is 2, as by
 * default), whatever their end.
 *
 * Threads  one at a time, unless it says so.
 */
struct conntrack_ends;

/** What was counted in one direction, from the IP header on. */
struct conntrack_count {
	uint64_t packets;
	uint64_t bytes;
};

struct conntrack_end {
	struct conntrack_entry entry; /* as it was in the end */
	bool is_counted; /* else the two are not known (CONNTRACK_ACCT) */
	struct conntrack_count original, reply;
	bool is_timed;		    /* likewise (CONNTRACK_TIMESTAMP) */
	int64_t began_us, ended_us; /* Unix time */
};

/** Nobody listens yet. 0; a negative errno with a message. */
int conntrack_ends_open(struct conntrack_ends **out, struct err *err);

/** Begin to listen. 0; a negative errno with a message. Threads: any, beside
 *  one that reads. */
int conntrack_ends_join(struct conntrack_ends *ends, struct err *err);

/** Listen no more; what has been heard by then may still be read. Threads: as
 *  above. */
void conntrack_ends_leave(struct conntrack_ends *ends);

/** NULL is fine. */
void conntrack_ends_close(struct conntrack_ends *ends);

typedef void (*conntrack_end_fn)(void *ctx, const struct conntrack_end *end);

/**
 * Read what comes next, without waiting for it.
 *
 * Returns  1; 0 where there is nothing; -ENOBUFS where the kernel had more to
 *          tell than there is room for: nobody knows how many it has left out;
 *          another negative errno.
 */
int conntrack_ends_read(struct conntrack_ends *ends, conntrack_end_fn each,
			void *ctx);

#endif
