/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SPAN_H
#define NETPOLD_SPAN_H

#include <stdbool.h>
#include <stddef.h>

/**
 * A piece of JSON text that lies in memory as a whole, and a cursor that goes
 * from entry to entry of a map, or from item to item of a list, without
 * looking into them.
 *
 * Keys are compared as they are spelt: who spells "kind" with an escape means
 * the same and is not understood.
 */
struct span {
	const char *at;
	const char *end;
};

struct span_cursor {
	const char *at;
	const char *end;
	bool has_begun;
	char close;
};

/** The byte a value begins with; 0 when it is empty. */
char span_first(struct span value);

size_t span_len(struct span span);

/** Without the blanks at its front. */
struct span span_skip_blanks(struct span span);

/** True when a key, without its quotes, is @text, byte for byte. */
bool span_is(struct span key, const char *text);

/** Begin with a value that is a map or a list. */
struct span_cursor span_open(struct span value);

/** The next entry. @key  without its quotes.
 *  Returns 1; 0 behind the last; -EBADMSG where this is no map. */
int span_next_entry(struct span_cursor *cursor, struct span *key,
		    struct span *value);

/** The next item. Returns 1; 0 behind the last; -EBADMSG where this is no
 *  list. */
int span_next_item(struct span_cursor *cursor, struct span *value);

#endif
