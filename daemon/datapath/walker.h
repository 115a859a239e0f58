/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_WALKER_H
#define NETPOLD_DAEMON_DATAPATH_WALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

#include "datapath/conntrack.h"
#include "datapath/rejudge.h"
#include "pulse.h"

/**
 * A walker goes through the table of connections, remembers those whose marks
 * are not what they should be, and then writes them.
 *
 * A connection that another one announced (FTP data) has its master's mark, and
 * keeps it for as long as its master does. It names its master by the tuple
 * that it was opened with; who really answers there is known to the master's
 * own entry, which is looked up when the walk is over.
 *
 * Threads  one at a time.
 */

/** The bits under the mask that a connection should have. */
typedef uint32_t (*walk_value_fn)(const struct rejudge *rejudge,
				  const struct conntrack_entry *entry);

/** What to look for. */
struct walk {
	const struct rejudge *rejudge;
	const struct mark_layout *marks;
	walk_value_fn value;
	uint32_t mark, mark_mask; /* of the entries to look at */
	/* Whose flows; NULL: all, and nothing below counts. */
	const struct ip_addr *addresses;
	size_t n_addresses;
	bool opened, answered; /* those that IPv4 addresses open, answer */
	bool all_ipv6;	       /* and all of IPv6 */
	bool all_picked_up;    /* and all that were picked up */
};

/** Entries that wait for the end of a dump. */
struct entry_list {
	struct conntrack_entry *items;
	size_t n, capacity;
};

/** A walk is made of parts, each a dump or several. What more than one of them
 *  would meet is for the first. */
enum walk_part {
	WALK_OPENED,
	WALK_ANSWERED,
	WALK_IPV6,
	WALK_PICKED_UP,
	WALK_EVERYTHING,
};

struct walker {
	struct conntrack *conntrack;
	struct entry_list pending;  /* each mark is what it is to be */
	struct entry_list children; /* of a master not yet looked up */
	/* of the walk that is being made */
	const struct walk *walk;
	enum walk_part part;
	bool again; /* there may be more to find */
	struct pulse pulse;
	size_t n_done; /* things, each some of which it beats */
	/* what it met, with a mark before or after */
	bool met_ipv6, met_picked_up, met_child;
};

/** Returns 0 or a negative errno. Release it in either case. */
int walker_init(struct walker *walker, struct err *err);

void walker_release(struct walker *walker);

/**
 * Walk, and then write the marks that were found wrong: pending.n of them.
 *
 * Returns  0; what the dumps, the lookups or the writing failed with.
 */
int walker_run(struct walker *walker, const struct walk *walk, struct err *err);

#endif
