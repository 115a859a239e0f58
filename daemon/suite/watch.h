/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_WATCH_H
#define NETPOLD_DAEMON_SUITE_WATCH_H

#include "netpold/err.h"

/**
 * Waits until something changes that suites were read from (inotify).
 *
 * A file is watched through its folder, so that editors that write a new file
 * and rename it over the old one are seen. What is about to be read is added
 * before it is, so that no change falls between reading and waiting.
 */
struct watch;

/** Returns 0 or a negative errno with a message. */
int watch_open(struct watch **out, struct err *err);

/** NULL is fine. */
void watch_close(struct watch *watch);
void watch_closep(struct watch **watch);

/** Watch a folder, or the folder that a file is in. What cannot be watched is
 *  not. @watch NULL is fine: nobody waits. */
void watch_add(struct watch *watch, const char *path);

/** Wait for a change since the last wait, and then until nothing has changed
 *  for 100 ms: an editor does several things in a row.
 *
 *  @limit_ms  no longer than this for the first of them; negative: for ever
 *
 *  Returns 0 or a negative errno with a message. */
int watch_wait(struct watch *watch, int limit_ms, struct err *err);

#endif
