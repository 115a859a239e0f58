/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_TIMELINE_H
#define NETPOLD_DAEMON_SOURCE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

/**
 * Objects that change in time: a folder of folders, each of which is named by
 * when its objects came into force.
 *
 *	history/2026-11-26T08:00:00Z/…
 *	history/2026-11-26T12:30:00Z/…
 *
 * Each of them is the whole, not what changed. Before the first, those of the
 * first are in force. A folder is read when its time comes. What was compiled
 * of it stays for as long as it is in force, and then for as long as somebody
 * holds it: flows that it decided about may be told of much later.
 */
struct timeline;

struct timeline_options {
	/* Manifests of objects that do not change. */
	const char *const *paths;
	size_t n_paths;
	struct snapshot_options snapshot;
};

/**
 * Find out which times there are, and read nothing else.
 *
 * @options  what it points to has to stay for as long as the timeline
 *
 * Returns  0; -EINVAL where a subfolder's name is no time, or there is none;
 *          another negative errno where it cannot be read. Hidden ones, and
 *          files, are passed over.
 */
int timeline_open(const char *folder, const struct timeline_options *options,
		  struct timeline **out, struct err *err);

/** NULL is fine. Snapshots go with it, whoever holds them. */
void timeline_free(struct timeline *timeline);

/**
 * Read what is in force at a time, which does not run backwards: where it does,
 * nothing changes.
 *
 * @out      the timeline's
 * @next_ns  the time of the next change; INT64_MAX: there is none
 *
 * Returns  0; a negative errno with a message: what is in force stays so.
 */
int timeline_turn(struct timeline *timeline, int64_t time_ns,
		  const struct snapshot **out, int64_t *next_ns,
		  struct err *err);

/** Keep a snapshot of the timeline's until it is dropped as often as it was
 *  held. Dropping returns whether it went. */
void timeline_hold(struct timeline *timeline, const struct snapshot *snapshot);
bool timeline_drop(struct timeline *timeline, const struct snapshot *snapshot);

#endif
