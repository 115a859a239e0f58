/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_FOLDER_H
#define NETPOLD_DAEMON_SOURCE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"

/**
 * Watches the files and folders that manifests are read from (inotify).
 *
 * A file is watched through its folder, so that editors that write a new file
 * and rename it over the old one are seen, and so is a ConfigMap, whose folder
 * swaps a link. What raises no event, such as a change behind a link to another
 * folder, is found by looking: call folder_changed() every second. What changed
 * is not told: the reader looks for itself (shelf.h).
 *
 * Threads  controller only.
 */
struct folder;

/**
 * Watch each path. "-" cannot be watched and is refused.
 *
 * Returns  0; -ENOENT and others with a message that names the path.
 */
int folder_open(const char *const *paths, size_t n, struct folder **out,
		struct err *err);

/** NULL is fine. */
void folder_close(struct folder *folder);

/** Polls readable when something may have changed. */
int folder_fd(const struct folder *folder);

/**
 * Take all events that have come.
 *
 * Returns  true if a manifest may have changed.
 */
bool folder_changed(struct folder *folder);

#endif
