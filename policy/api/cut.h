/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_CUT_H
#define NETPOLD_CUT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Finds where a value of JSON ends, by its structure alone: quotes, escapes and
 * brackets. What stands between them is not looked at, and neither is whether
 * an opening bracket and the closing one are of the same kind: whoever reads
 * the value will see.
 *
 * Bytes may come in pieces, cut anywhere (API-20).
 */
enum cut_form {
	CUT_WORD = 0, /* a number, true, false, null: up to what follows */
	CUT_STRING,
	CUT_NESTED, /* a list or a map */
};

struct cut {
	enum cut_form form;
	bool is_wide; /* the CPU can do what block_wide.h is for */
	size_t depth;
	bool in_string;
	bool is_escaped; /* the next byte follows a backslash */
	bool is_done;
};

/** Begin a value by its first byte, which is not consumed. */
struct cut cut_begin(char first);

/** Returns how many of these bytes belong to the value. Not all of them: it
 *  ends there, and is_done is set. */
size_t cut_feed(struct cut *cut, const char *bytes, size_t len);

#endif
