/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_WALKER_H
#define NETPOLD_DAEMON_DATAPATH_WALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

#include "datapath/conntrack.h"
#include "datapath/rejudge.h"

/**
 * A walker goes through the table of connections, remembers those whose marks
 * are not what they should be, and then writes them.
 *
 * A connection that another one announced (FTP data) has its master's mark, and
 * keeps it for as long as its master does. It names its master by the tuple
 * that it was opened with; who really answers there is known to the master's
 * own entry, which is looked up when the walk is over.
 *
 * Threads  one at a time for each walker.
 */

/** The bits under the mask that a connection should have. */
typedef uint32_t (*walk_value_fn)(const struct rejudge *rejudge,
				  const struct conntrack_entry *entry);

/** What to look for; not changed while anybody walks. */
struct walk {
	const struct rejudge *rejudge;
	const struct mark_layout *marks;
	walk_value_fn value;
	uint32_t mark, mark_mask;	 /* of the entries to look at */
	const struct ip_addr *addresses; /* whose flows; NULL: all */
	size_t n_addresses;
};

/** Entries that wait for the end of a dump. */
struct entry_list {
	struct conntrack_entry *items;
	size_t n, capacity;
};

struct walker {
	struct conntrack *conntrack;
	struct entry_list pending;  /* each mark is what it is to be */
	struct entry_list children; /* of a master not yet looked up */
	/* of the walk that is being made */
	const struct walk *walk;
	bool answered; /* flows that the addresses answer, not that they open */
	bool again;    /* there may be more to find */
	int result;
	struct err err;
};

/** Returns 0 or a negative errno. Release it in either case. */
int walker_init(struct walker *walker, struct err *err);

void walker_release(struct walker *walker);

/**
 * Get ready.
 *
 * @answered  look at the flows that the addresses answer; those that they have
 *            opened, also between two of them, are another walker's
 */
void walker_begin(struct walker *walker, const struct walk *walk,
		  bool answered);

/** Walk; a thread's main function. @walker is a struct walker. */
void *walker_run(void *walker);

/**
 * Write the marks that were found wrong: pending.n of them.
 *
 * Returns  0; what the walk, the lookups or the writing failed with.
 */
int walker_finish(struct walker *walker, struct err *err);

#endif
