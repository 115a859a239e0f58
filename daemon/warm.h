/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_WARM_H
#define NETPOLD_DAEMON_WARM_H

#include <stdbool.h>

#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "source/warm_file.h"

/**
 * Keeps the warm file (source/warm_file.h), and starts from it.
 *
 * It is written when the state has changed and then been quiet for a second, or
 * has not been quiet for half a minute; at most every five seconds, and so that
 * writing takes less than a hundredth of the time; and at an orderly end. So
 * whoever is killed may lose the last seconds of changes.
 *
 * No change waits for it: it is written a few objects at a time, and given up
 * where something changes meanwhile, unless that has gone on for half a minute.
 * A thread of its own waits for the disk.
 *
 * Threads  controller only.
 */
struct warm;

/**
 * @folder       --state-dir; "": nothing is kept
 * @node_name    as @folder, has to outlive it
 * @paths        of the manifests; only to be called by the same
 *
 * Returns  0 or a negative errno with a message.
 */
int warm_open(const char *folder, const char *node_name,
	      const char *const *paths, size_t n_paths, struct warm **out,
	      struct err *err);

/** NULL is fine. Waits for what is being written; what has changed since is
 *  lost (warm_finish()). */
void warm_close(struct warm *warm);

/* ---- keeping ------------------------------------------------------------- */

/** What the source says has changed. */
void warm_changed(struct warm *warm);

/** The objects of the cluster are about to change, or to go. */
void warm_interrupt(struct warm *warm);

/** To be called every second or so, and at once while warm_is_busy(). @cluster:
 *  what the source says; NULL: it is just changing. */
void warm_work(struct warm *warm, const struct cluster *cluster);

/** Whether there is more to write now. */
bool warm_is_busy(const struct warm *warm);

/** At an orderly end: write what has changed. */
void warm_finish(struct warm *warm, const struct cluster *cluster);

/* ---- a start ------------------------------------------------------------- */

/**
 * Read the file.
 *
 * Returns  1 with @out; 0 where there is none, or none that can be used: then
 *          the log says why.
 */
int warm_read(const struct warm *warm, struct warm_state *out);

/** Compile what a file holds. 0 or a negative errno with a message. */
int warm_compile(const struct warm *warm, const struct warm_state *state,
		 struct snapshot **out, struct err *err);

#endif
