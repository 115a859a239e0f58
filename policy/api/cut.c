/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists and maps, which are nearly all there is, go by in blocks of 64 bytes:
 * brackets outside of strings are counted, not looked at, unless those that
 * close are enough to end the value.
 */
#include "cut.h"

#include <string.h>

#include "block.h"
#include "block_wide.h"

struct cut cut_begin(char first)
{
	struct cut cut = { .form = CUT_WORD, .is_wide = block_is_wide() };

	if (first == '{' || first == '[')
		cut.form = CUT_NESTED;
	else if (first == '"')
		cut.form = CUT_STRING;
	return cut;
}

/* ---- words and strings -------------------------------------------------- */

/* What cannot be part of a number or a name. */
static bool ends_word(char ch)
{
	switch (ch) {
	case ',':
	case ':':
	case ']':
	case '}':
	case '[':
	case '{':
	case '"':
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case '\0':
		return true;
	default:
		return false;
	}
}

static size_t feed_word(struct cut *cut, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (ends_word(bytes[i])) {
			cut->is_done = true;
			return i;
		}
	}
	return len;
}

static size_t feed_string(struct cut *cut, const char *bytes, size_t len)
{
	/* The opening quote is the first byte. */
	size_t i = cut->in_string || len == 0 ? 0 : 1;

	cut->in_string = true;
	while (i < len) {
		char ch;

		if (!cut->is_escaped)
			i += block_plain(bytes + i, len - i);
		if (i == len)
			break;
		ch = bytes[i++];
		if (!cut->is_escaped && ch == '"') {
			cut->is_done = true;
			return i;
		}
		cut->is_escaped = !cut->is_escaped && ch == '\\';
	}
	return len;
}

/* ---- lists and maps ----------------------------------------------------- */

/* Compiled twice, into feed_nested_wide() and feed_nested_narrow(): for the
   instructions that its caller may use, and with @is_wide known. */
#define OF_WIDTH static inline __attribute__((always_inline))

/*
 * Whether the brackets of this block end the value, and where. They cannot
 * where there are fewer that close than it is deep; with each that opens there
 * is one less to look at, until that is so.
 */
OF_WIDTH bool find_end(struct cut *cut, const struct block *block, size_t *end)
{
	uint64_t opening = block->opening, closing = block->closing;
	size_t n_closing = block_count(closing);

	while (cut->depth <= n_closing) {
		uint64_t brackets = opening | closing;
		uint64_t first = brackets & -brackets;

		if (opening & first) {
			opening ^= first;
			cut->depth++;
			continue;
		}
		closing ^= first;
		n_closing--;
		if (--cut->depth == 0) {
			*end = (size_t)__builtin_ctzll(first) + 1;
			return true;
		}
	}
	cut->depth += block_count(opening);
	cut->depth -= n_closing;
	return false;
}

/* Empty lists and maps, of which managedFields is full, end nothing. */
OF_WIDTH void drop_empty(struct block *block)
{
	uint64_t empty = block->opening & block->closing >> 1;

	block->opening &= ~empty;
	block->closing &= ~(empty << 1);
}

/* The first @len bytes of a block. Returns how many belong to the value. */
OF_WIDTH size_t feed_block(struct cut *cut, const char *bytes, size_t len,
			   bool is_wide)
{
	struct block block =
		is_wide ? block_read_wide(bytes) : block_read(bytes);
	uint64_t escaped = cut->is_escaped;
	uint64_t escapes = block_escaped(block.backslashes, &escaped);
	uint64_t quotes = block.quotes & ~escapes;
	uint64_t strings =
		is_wide ? block_between_wide(quotes) : block_between(quotes);
	size_t end;

	strings ^= cut->in_string ? UINT64_MAX : 0;
	block.opening &= ~(strings | escapes);
	block.closing &= ~(strings | escapes);
	drop_empty(&block);
	if (find_end(cut, &block, &end)) {
		cut->is_done = true;
		return end;
	}
	cut->in_string = strings >> (len - 1) & 1;
	cut->is_escaped = len < BLOCK_SIZE ? escapes >> len & 1 : escaped != 0;
	return len;
}

OF_WIDTH size_t feed_nested(struct cut *cut, const char *bytes, size_t len,
			    bool is_wide)
{
	char rest[BLOCK_SIZE] = { 0 };
	size_t at = 0;

	/* The opening bracket; from here on the depth is never 0. */
	if (cut->depth == 0 && len > 0) {
		cut->depth = 1;
		at = 1;
	}
	for (; len - at >= BLOCK_SIZE; at += BLOCK_SIZE) {
		size_t n = feed_block(cut, bytes + at, BLOCK_SIZE, is_wide);

		if (cut->is_done)
			return at + n;
	}
	if (at == len)
		return len;
	memcpy(rest, bytes + at, len - at);
	return at + feed_block(cut, rest, len - at, is_wide);
}

BLOCK_WIDE static size_t feed_nested_wide(struct cut *cut, const char *bytes,
					  size_t len)
{
	return feed_nested(cut, bytes, len, true);
}

static size_t feed_nested_narrow(struct cut *cut, const char *bytes, size_t len)
{
	return feed_nested(cut, bytes, len, false);
}

size_t cut_feed(struct cut *cut, const char *bytes, size_t len)
{
	switch (cut->form) {
	case CUT_NESTED:
		return cut->is_wide ? feed_nested_wide(cut, bytes, len)
				    : feed_nested_narrow(cut, bytes, len);
	case CUT_STRING:
		return feed_string(cut, bytes, len);
	default:
		return feed_word(cut, bytes, len);
	}
}
