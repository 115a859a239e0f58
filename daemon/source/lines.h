/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_LINES_H
#define NETPOLD_DAEMON_SOURCE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"

/**
 * The lines of a text from outside, one after the other.
 *
 * Memory is bounded: a line that is longer than LINES_MAX is reported and
 * passed over. The last line need not end in a newline.
 *
 * Threads  one at a time.
 */
struct lines;

/** Bytes of a line, its newline not counted. */
#define LINES_MAX 8192

enum lines_status {
	LINES_END = 0,
	LINES_LINE,
	LINES_TOO_LONG, /* and passed over */
};

/**
 * More bytes of the text.
 *
 * Returns  how many were written to @buf; 0 at the end; negative errno.
 */
typedef long (*lines_read_fn)(void *ctx, char *buf, size_t size);

struct line {
	const char *text; /* until the next call; may hold any byte */
	size_t len;
	size_t number; /* from 1 */
};

/** Returns  NULL without memory. */
struct lines *lines_new(lines_read_fn read, void *ctx);

/**
 * The lines of a file; "-" is standard input.
 *
 * Returns  0, or a negative errno with a message.
 */
int lines_open(const char *path, struct lines **out, struct err *err);

/** NULL is fine. */
void lines_free(struct lines *lines);
void lines_freep(struct lines **lines);

/**
 * Read on.
 *
 * @out  the number is set for what is too long, too
 *
 * Returns  an enum lines_status; a negative errno where reading has failed.
 */
int lines_next(struct lines *lines, struct line *out);

/** Whether the next line has been read already: without, lines_next() may wait
 *  for whoever writes. */
bool lines_has_next(const struct lines *lines);

#endif
