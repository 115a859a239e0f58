/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_REJUDGE_H
#define NETPOLD_DAEMON_DATAPATH_REJUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "datapath/memo.h"
#include "datapath/conntrack.h"
#include "datapath/local.h"
#include "datapath/mark.h"

struct unclaimed;

/**
 * What a snapshot says of connections that are open, without a packet of
 * theirs: from the tuples that conntrack keeps.
 *
 * Threads  any, once it is made; conntrack_entry only of the caller.
 */
struct rejudge {
	const struct snapshot *snapshot;
	const struct mark_layout *marks;
	struct local_addresses local;
	const struct unclaimed
		*unclaimed; /* whose flows wait; NULL: nobody's */
};

/** Returns 0 or a negative errno. Release it in either case. */
int rejudge_init(struct rejudge *rejudge, const struct snapshot *snapshot,
		 const struct mark_layout *marks, struct err *err);

void rejudge_release(struct rejudge *rejudge);

/** Whether a connection that passes may go on passing. A picked-up one may if
 *  either of its ends may have opened it. */
bool rejudge_allows(const struct rejudge *rejudge,
		    const struct conntrack_entry *entry);

#define REJUDGE_BATCH 64

/**
 * Whether answers that are remembered are to be: they are what a snapshot says
 * now, and what is staged says nothing else (NP-8).
 *
 * @n         at most REJUDGE_BATCH
 * @expected  the verdict that is remembered
 */
void rejudge_memos(const struct snapshot *snapshot,
		   const struct memo *const memos[], size_t n,
		   enum verdict expected, bool holds[]);

/** Which mark value a TCP connection that is older than netpold gets, since its
 *  opening was never judged; 0: none, its packets will be judged. */
uint32_t rejudge_older(const struct rejudge *rejudge,
		       const struct conntrack_entry *entry);

#endif
