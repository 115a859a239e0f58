/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TOP_TOP_CHOICE_H
#define NETPOLD_DAEMON_TOP_TOP_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "top/top_keys.h"

/**
 * What somebody has chosen to see, by options or by keys.
 */
enum top_view {
	TOP_FLOWS = 0,
	TOP_DENIALS,
	TOP_WOULD_DENIALS, /* staged, or under --mode=audit */
};
#define N_TOP_VIEWS 3

enum top_sort {
	TOP_BY_RATE = 0,
	TOP_BY_COUNT,
	TOP_BY_TIME, /* seen last */
};
#define N_TOP_SORTS 3

/** Longest filter, with its end. */
#define TOP_FILTER 64

struct top_choice {
	enum top_view view;
	enum top_sort sort;
	char filter[TOP_FILTER]; /* in any case, anywhere in a row; "": all */
	bool is_typing;		 /* keys go into the filter */
	bool is_paused;
	bool is_over; /* it is to end */
	size_t first; /* row that is shown first */
};

/** "flows", "denials", "would-denials"; "rate", "count", "time". */
const char *top_view_name(enum top_view view);
const char *top_sort_name(enum top_sort sort);

/** The reverse. False where there is no such. */
bool top_view_parse(const char *text, enum top_view *out);
bool top_sort_parse(const char *text, enum top_sort *out);

/** Take a filter; what does not fit or is not printable ASCII is left out. */
void top_choice_filter(struct top_choice *choice, const char *text);

/**
 * Do what a key says.
 *
 * @n_rows    that there are
 * @n_shown   of them, at a time
 */
void top_choice_press(struct top_choice *choice, const struct top_key *key,
		      size_t n_rows, size_t n_shown);

/** See to it that there are rows to be seen, if there are some at all. */
void top_choice_bound(struct top_choice *choice, size_t n_rows, size_t n_shown);

#endif
