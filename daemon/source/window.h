/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_WINDOW_H
#define NETPOLD_DAEMON_SOURCE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * A stretch of a file that is in memory, from where somebody reads on. It is
 * moved along the file, and is as long as what is asked for.
 *
 * A file is read in large pieces, and a pipe as it comes: nobody waits for more
 * than is needed. Others may write into the file meanwhile, or cut it short.
 *
 * All zero but for @file is one at its begin. Threads: one at a time.
 */
struct window {
	FILE *file; /* the caller's, who reads nothing of it besides */
	/* Its own. */
	uint8_t *bytes;
	size_t room;
	size_t begin, end; /* of what is there, in bytes */
	uint64_t passed;   /* bytes of the file before begin */
	bool at_end;	   /* the file has no more */
};

/** What is there: until the next call of window_need(). */
static inline const uint8_t *window_at(const struct window *window)
{
	return window->bytes + window->begin;
}

static inline size_t window_len(const struct window *window)
{
	return window->end - window->begin;
}

/** Step over what was read. @len: no more than is there. */
static inline void window_pass(struct window *window, size_t len)
{
	window->begin += len;
	window->passed += len;
}

/** Begin with what somebody has read of the file already, which is copied.
 *  Returns 0, or -ENOMEM. */
int window_begin(struct window *window, const void *bytes, size_t len);

/**
 * Have @len bytes there, or all that are left of the file: window_len() says.
 *
 * Returns  0, -ENOMEM, or another negative errno where the file cannot be read.
 */
int window_need(struct window *window, size_t len);

/**
 * Step over bytes that may not be there yet.
 *
 * Returns  as above; 1 where the file has fewer.
 */
int window_skip(struct window *window, uint64_t len);

void window_release(struct window *window);

#endif
