/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "span.h"

#include <errno.h>
#include <string.h>

#include "block.h"
#include "cut.h"

bool span_is(struct span key, const char *text)
{
	size_t len = strlen(text);

	return span_len(key) == len && memcmp(text, key.at, len) == 0;
}

/* ---- from front to back ------------------------------------------------- */

static bool skip_char(struct span *rest, char wanted)
{
	if (span_first(*rest) != wanted)
		return false;
	rest->at++;
	return true;
}

struct span_level span_enter(struct span *rest)
{
	bool is_map = span_first(*rest) == '{';

	rest->at++;
	return (struct span_level){ .close = is_map ? '}' : ']' };
}

int span_next(struct span *rest, struct span_level *level)
{
	*rest = span_skip_blanks(*rest);
	if (skip_char(rest, level->close))
		return 0;
	if (level->has_begun && !skip_char(rest, ','))
		return -EBADMSG;
	level->has_begun = true;
	*rest = span_skip_blanks(*rest);
	return 1;
}

/* Nearly all keys have no escape: the first quote is the one that ends it. */
static bool take_plain_key(struct span *rest, struct span *key)
{
	const char *at = rest->at + 1;
	size_t n = block_plain(at, (size_t)(rest->end - at));

	if (at + n == rest->end || at[n] != '"')
		return false;
	*key = (struct span){ at, at + n };
	rest->at = at + n + 1;
	return true;
}

static int take_key(struct span *rest, struct span *key)
{
	if (span_first(*rest) != '"')
		return -EBADMSG;
	if (take_plain_key(rest, key))
		return 0;
	if (span_take_value(rest, key) < 0)
		return -EBADMSG;
	key->at++;
	key->end--;
	return 0;
}

int span_take_key(struct span *rest, struct span *key)
{
	if (take_key(rest, key) < 0)
		return -EBADMSG;
	*rest = span_skip_blanks(*rest);
	if (!skip_char(rest, ':'))
		return -EBADMSG;
	*rest = span_skip_blanks(*rest);
	return 0;
}

int span_take_value(struct span *rest, struct span *value)
{
	struct cut cut = cut_begin(span_first(*rest));
	size_t n = cut_feed(&cut, rest->at, span_len(*rest));

	*value = (struct span){ rest->at, rest->at + n };
	rest->at += n;
	return cut.is_done && n > 0 ? 0 : -EBADMSG;
}
