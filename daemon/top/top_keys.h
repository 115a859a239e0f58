/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TOP_TOP_KEYS_H
#define NETPOLD_DAEMON_TOP_TOP_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Keys, out of the bytes that a terminal sends: ECMA-48 and what xterm makes of
 * it, which all terminals of today follow. Bytes may come in any pieces.
 */
enum top_key_kind {
	TOP_KEY_NONE = 0, /* one that means nothing here */
	TOP_KEY_CHAR,	  /* printable ASCII */
	TOP_KEY_TAB,
	TOP_KEY_ENTER,
	TOP_KEY_RUBOUT,
	TOP_KEY_ESCAPE,
	TOP_KEY_END_OF_FILE, /* ^C and ^D, where they are no signals */
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
};

struct top_key {
	enum top_key_kind kind;
	char c; /* of TOP_KEY_CHAR */
};

/** What has come and is no key yet. All-zero: nothing. */
struct top_keys {
	char bytes[64];
	size_t n;
};

/** More bytes; returns how many fit. */
size_t top_keys_feed(struct top_keys *keys, const char *bytes, size_t n);

/**
 * The next key.
 *
 * @is_quiet  nothing more has come for a while: an escape is a key of its own,
 *            not the beginning of one
 *
 * Returns  false where there is none, or not all of it.
 */
bool top_keys_next(struct top_keys *keys, bool is_quiet, struct top_key *out);

#endif
