/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "span.h"

#include <errno.h>
#include <string.h>

#include "cut.h"

char span_first(struct span value)
{
	return value.at < value.end ? *value.at : '\0';
}

size_t span_len(struct span span)
{
	return (size_t)(span.end - span.at);
}

struct span span_skip_blanks(struct span span)
{
	while (span.at < span.end && (*span.at == ' ' || *span.at == '\n' ||
				      *span.at == '\t' || *span.at == '\r'))
		span.at++;
	return span;
}

bool span_is(struct span key, const char *text)
{
	size_t len = span_len(key);

	return strncmp(text, key.at, len) == 0 && text[len] == '\0';
}

struct span_cursor span_open(struct span value)
{
	bool is_map = span_first(value) == '{';

	return (struct span_cursor){
		.at = value.at + 1,
		.end = value.end,
		.close = is_map ? '}' : ']',
	};
}

static void skip_blanks(struct span_cursor *cursor)
{
	struct span rest = { cursor->at, cursor->end };

	cursor->at = span_skip_blanks(rest).at;
}

static bool skip_char(struct span_cursor *cursor, char wanted)
{
	if (cursor->at == cursor->end || *cursor->at != wanted)
		return false;
	cursor->at++;
	return true;
}

/* A whole value; it must not be empty. */
static bool take_value(struct span_cursor *cursor, struct span *out)
{
	size_t len = (size_t)(cursor->end - cursor->at), n;
	struct cut cut;

	if (len == 0)
		return false;
	cut = cut_begin(*cursor->at);
	n = cut_feed(&cut, cursor->at, len);
	*out = (struct span){ cursor->at, cursor->at + n };
	cursor->at += n;
	return cut.is_done && n > 0;
}

/* Up to the next entry or item, or behind the last. */
static int begin_next(struct span_cursor *cursor)
{
	skip_blanks(cursor);
	if (skip_char(cursor, cursor->close))
		return cursor->at == cursor->end ? 0 : -EBADMSG;
	if (cursor->has_begun && !skip_char(cursor, ','))
		return -EBADMSG;
	cursor->has_begun = true;
	skip_blanks(cursor);
	return 1;
}

int span_next_entry(struct span_cursor *cursor, struct span *key,
		    struct span *value)
{
	int r = begin_next(cursor);

	if (r <= 0)
		return r;
	if (cursor->at == cursor->end || *cursor->at != '"' ||
	    !take_value(cursor, key))
		return -EBADMSG;
	key->at++;
	key->end--;
	skip_blanks(cursor);
	if (!skip_char(cursor, ':'))
		return -EBADMSG;
	skip_blanks(cursor);
	return take_value(cursor, value) ? 1 : -EBADMSG;
}

int span_next_item(struct span_cursor *cursor, struct span *value)
{
	int r = begin_next(cursor);

	if (r <= 0)
		return r;
	return take_value(cursor, value) ? 1 : -EBADMSG;
}
