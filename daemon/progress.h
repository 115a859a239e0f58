/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PROGRESS_H
#define NETPOLD_DAEMON_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * How far a command has come, for who waits at a terminal.
 *
 * A line on standard error that is written over and goes away at the end. It
 * comes only where standard error is a terminal, and only after a second: what
 * is quick, or goes into a pipe, is quiet. Whoever writes to the same terminal
 * hides it first.
 *
 * An all-zero struct is silent.
 */
struct progress {
	bool is_on;
	bool is_shown;
	int64_t next_ms; /* when to write again */
};

void progress_begin(struct progress *progress);

/** So many things are done: "objects read". Cheap enough for each of them. */
void progress_tell(struct progress *progress, size_t n, const char *what);

/** The same of something whose end is known: a bar, and how much of it is done,
 *  from 0 to 1. Negative: nobody knows, and it is as above. */
void progress_tell_part(struct progress *progress, size_t n, const char *what,
			double part);

/** Wipe it away until there is more to tell. */
void progress_hide(struct progress *progress);

/** Wipe it away. It is silent from here on. */
void progress_end(struct progress *progress);

#endif
