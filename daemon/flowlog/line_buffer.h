/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_LINE_BUFFER_H
#define NETPOLD_DAEMON_FLOWLOG_LINE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Lines that wait to be written, and what each of them stands for: an event
 * counts as told when the last byte of its line is out.
 *
 * All of the room is taken at the start; there is a bound on bytes and one on
 * lines. Threads: one at a time.
 */

/** Events, by the kind of the line that tells of them. */
struct line_tally {
	uint64_t first;	  /* of lines about one event */
	uint64_t repeats; /* of lines about all that have come since */
};

struct line_note {
	size_t end; /* where the line ends in data */
	struct line_tally tally;
};

struct line_buffer {
	char *data;
	size_t size;
	size_t start, len; /* what waits: from start up to len */
	struct line_note *notes;
	size_t first_note, n_notes; /* likewise */
	bool is_cut; /* the first line that waits is out in part */
};

#define LINE_BUFFER_LINES 8192

/** Room for so many bytes. 0 or -ENOMEM. Release it in either case. */
int line_buffer_init(struct line_buffer *buffer, size_t size);
void line_buffer_release(struct line_buffer *buffer);

/** A line, with its end of line. False where there is no room for it. */
bool line_buffer_add(struct line_buffer *buffer, const char *line, size_t len,
		     const struct line_tally *tally);

/** What waits; as many whole lines as fit in @max bytes, one at least where
 * there is one. Sets @len. */
const char *line_buffer_peek(const struct line_buffer *buffer, size_t max,
			     size_t *len);

/** So many bytes of that are out. What they told of is added to @told. */
void line_buffer_sent(struct line_buffer *buffer, size_t n,
		      struct line_tally *told);

/** What waits will not be written, and one that is out in part will not be
 *  ended. All of it is added to @lost. */
void line_buffer_drop(struct line_buffer *buffer, struct line_tally *lost);

#endif
