/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A key that is no character is ESC [ or ESC O, parameters, and a last byte
 * from @ to ~:
 *
 *	ESC [ A		up		ESC O A		up, in another mode
 *	ESC [ 5 ~	page up		ESC [ 1 ; 5 C	right, with control
 *
 * Parameters other than the first are passed over.
 */
#include "top/top_keys.h"

#include <string.h>

#define ESCAPE '\x1b'
#define RUBOUT '\x7f'

size_t top_keys_feed(struct top_keys *keys, const char *bytes, size_t n)
{
	size_t room = sizeof(keys->bytes) - keys->n;

	if (n > room)
		n = room;
	memcpy(keys->bytes + keys->n, bytes, n);
	keys->n += n;
	return n;
}

static void drop(struct top_keys *keys, size_t n)
{
	keys->n -= n;
	memmove(keys->bytes, keys->bytes + n, keys->n);
}

static enum top_key_kind kind_of_byte(char c)
{
	switch (c) {
	case '\t':
		return TOP_KEY_TAB;
	case '\r':
	case '\n':
		return TOP_KEY_ENTER;
	case '\b':
	case RUBOUT:
		return TOP_KEY_RUBOUT;
	case '\x03':
	case '\x04':
		return TOP_KEY_END_OF_FILE;
	default:
		return c >= ' ' && c <= '~' ? TOP_KEY_CHAR : TOP_KEY_NONE;
	}
}

static enum top_key_kind kind_of_letter(char letter)
{
	switch (letter) {
	case 'A':
		return TOP_KEY_UP;
	case 'B':
		return TOP_KEY_DOWN;
	case 'C':
		return TOP_KEY_RIGHT;
	case 'D':
		return TOP_KEY_LEFT;
	case 'H':
		return TOP_KEY_HOME;
	case 'F':
		return TOP_KEY_END;
	default:
		return TOP_KEY_NONE;
	}
}

static enum top_key_kind kind_of_number(char digit)
{
	switch (digit) {
	case '1':
	case '7':
		return TOP_KEY_HOME;
	case '4':
	case '8':
		return TOP_KEY_END;
	case '5':
		return TOP_KEY_PAGE_UP;
	case '6':
		return TOP_KEY_PAGE_DOWN;
	default:
		return TOP_KEY_NONE;
	}
}

/* How long the sequence is that begins here; 0: its end is not here. */
static size_t sequence_len(const struct top_keys *keys)
{
	for (size_t i = 2; i < keys->n; i++)
		if (keys->bytes[i] >= '@' && keys->bytes[i] <= '~')
			return i + 1;
	/* None is that long. */
	return keys->n == sizeof(keys->bytes) ? keys->n : 0;
}

static bool is_introduced(const struct top_keys *keys)
{
	return keys->n > 1 && (keys->bytes[1] == '[' || keys->bytes[1] == 'O');
}

static bool take_sequence(struct top_keys *keys, struct top_key *out)
{
	size_t len = sequence_len(keys);
	char last;

	if (len == 0)
		return false;
	last = keys->bytes[len - 1];
	out->kind = last == '~' ? kind_of_number(keys->bytes[2])
				: kind_of_letter(last);
	drop(keys, len);
	return true;
}

bool top_keys_next(struct top_keys *keys, bool is_quiet, struct top_key *out)
{
	*out = (struct top_key){ .kind = TOP_KEY_NONE };
	if (keys->n == 0)
		return false;
	if (keys->bytes[0] != ESCAPE) {
		out->c = keys->bytes[0];
		out->kind = kind_of_byte(out->c);
		drop(keys, 1);
		return true;
	}
	if (is_introduced(keys) && take_sequence(keys, out))
		return true;
	if (!is_quiet && (keys->n == 1 || is_introduced(keys)))
		return false;
	out->kind = TOP_KEY_ESCAPE;
	drop(keys, 1);
	return true;
}
