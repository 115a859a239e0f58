/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_DIVERT_H
#define NETPOLD_DAEMON_DATAPATH_DIVERT_H

#include <stddef.h>

#include "netpold/err.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "datapath/pod_range.h"

/**
 * Whose packets are diverted: the members of netpold's sets. Those whom only
 * staged policies isolate (NP-8) have a set of their own: nothing of theirs is
 * dropped for being diverted. Those of one more set, of all these pods, are not
 * let through at first sight.
 *
 * A newly isolated pod has to be in its set before the snapshot that isolates
 * it counts, and a pod that is isolated no more stays until every flow is
 * settled (NF-63). So a change is made in two halves, around the publication.
 *
 * Who is known (NP-67) is the other way round: a pod that goes is unknown
 * before the publication, one that comes is known when nothing of it is held
 * any more. That is a step of its own, after the publication.
 *
 * Threads  controller only.
 */
struct divert;

/**
 * Make the sets that are missing, and see what is in those that stand: the
 * last daemon's members stay diverted.
 *
 * Returns  0, or a negative errno: then no set is left that was not there.
 */
int divert_open(struct divert **out, struct err *err);

/** Close, and destroy the sets that divert_open() has made, for who was only
 *  looking. NULL is fine. */
void divert_undo(struct divert *divert);

/** NULL is fine. Sets and members stay (NF-69). */
void divert_close(struct divert *divert);

/** In which range it counts who is known, from the next change on; one of no
 *  blocks: none. */
void divert_watch(struct divert *divert, const struct pod_range *range);

/**
 * First half: add what @snapshot isolates and is not diverted yet. Addresses
 * of this host are never diverted, whatever the objects say (NP-53), and those
 * that a proxy has bound for a Service do not count as the host's own (NF-70).
 * Who has gone is not known any more.
 */
int divert_add(struct divert *divert, const struct snapshot *snapshot,
	       struct err *err);

/** After the publication: who has come is known, this host in any case. */
int divert_know(struct divert *divert, const struct snapshot *snapshot,
		struct err *err);

/** Second half: remove what @snapshot no longer isolates. */
int divert_remove(struct divert *divert, const struct snapshot *snapshot,
		  struct err *err);

/**
 * Put right what somebody else has done to the sets.
 *
 * @remove   also take out who does not belong there; not while open flows are
 *           still to be settled
 * @n_moved  how many members were missing or too many
 * @anew     IPv4, IPv6: whether a set had been destroyed: no rule is left then
 *           that asks it. Also where it fails
 */
int divert_mend(struct divert *divert, const struct snapshot *snapshot,
		bool remove, size_t *n_moved, bool anew[2], struct err *err);

/** How many addresses are diverted in a direction, both families, without
 *  those that are only for what is staged. */
size_t divert_count(const struct divert *divert, enum direction dir);

/** Destroy the sets: for `netpold clean`, after the rules are gone. */
int divert_destroy_sets(struct err *err);

#endif
