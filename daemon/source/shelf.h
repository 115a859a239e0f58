/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_SHELF_H
#define NETPOLD_DAEMON_SOURCE_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

struct cluster;

/**
 * The store, and which manifest file on disk each object of it came from.
 *
 * After a change, only the files that are not as they were are read. What comes
 * of it is what reading everything would give: the same objects, or the same
 * refusal in the same words, with what was there before left as it is.
 *
 * Threads  controller only.
 */
struct shelf;

/**
 * An empty shelf.
 *
 * @paths  files and folders, as manifests_load() takes them, "-" aside; they
 *         have to outlive the shelf
 *
 * Returns  NULL without memory.
 */
struct shelf *shelf_new(const char *const *paths, size_t n_paths);

/** NULL is fine. Frees the store, too. */
void shelf_free(struct shelf *shelf);

/**
 * Read what has changed since the last shelf_take(). The store does not change
 * yet, and what was read before and not taken is dropped.
 *
 * @everything  read what has not changed, too; when that fails, so does the
 *              next reading, until one is taken
 *
 * Returns  as manifests_load() does for watched files.
 */
int shelf_read(struct shelf *shelf, bool everything, struct err *err);

/**
 * Make the store hold what shelf_read() has just read with success.
 *
 * @now_ms  as for cluster_put()
 *
 * Returns  1 if anything that decides about packets has changed, 0 if not;
 *          -ENOMEM with some of it changed: what is read next is everything.
 */
int shelf_take(struct shelf *shelf, int64_t now_ms);

/** The store: the same one from the first shelf_take() on, NULL before it.
 *  Owned by the shelf. */
struct cluster *shelf_cluster(const struct shelf *shelf);

#endif
