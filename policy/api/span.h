/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SPAN_H
#define NETPOLD_SPAN_H

#include <stdbool.h>
#include <stddef.h>

/**
 * A piece of JSON text that lies in memory as a whole.
 */
struct span {
	const char *at;
	const char *end;
};

/** The byte a value begins with; 0 when it is empty. */
static inline char span_first(struct span value)
{
	return value.at < value.end ? *value.at : '\0';
}

static inline size_t span_len(struct span span)
{
	return (size_t)(span.end - span.at);
}

/** Without the blanks at its front. */
static inline struct span span_skip_blanks(struct span span)
{
	while (span.at < span.end && (*span.at == ' ' || *span.at == '\n' ||
				      *span.at == '\t' || *span.at == '\r'))
		span.at++;
	return span;
}

/** True when a key, without its quotes, is @text, byte for byte: who spells a
 *  key with an escape is not understood. */
bool span_is(struct span key, const char *text);

/**
 * Goes through text from front to back: into lists and maps, or over them.
 *
 *	struct span_level level = span_enter(&rest);
 *
 *	while ((r = span_next(&rest, &level)) == 1) {
 *		r = span_take_key(&rest, &key);     of a map only
 *		r = span_take_value(&rest, &value); or span_enter() again
 *	}
 *
 * @rest  what has not been read yet
 *
 * Functions return -EBADMSG where the text is no JSON.
 */
struct span_level {
	char close;
	bool has_begun;
};

/** Into the list or map that begins here. */
struct span_level span_enter(struct span *rest);

/** To the next entry or item: 1; behind the last and the bracket: 0. */
int span_next(struct span *rest, struct span_level *level);

/** A key, without its quotes, and the colon: 0. */
int span_take_key(struct span *rest, struct span *key);

/** Over a value, without looking into it: 0. */
int span_take_value(struct span *rest, struct span *value);

#endif
