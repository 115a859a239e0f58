/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TOP_TOP_ROWS_H
#define NETPOLD_DAEMON_TOP_TOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "netpold/arena.h"

#include "top/top_choice.h"

/**
 * The flows that a daemon has told of (schema/flows.schema.json), as they are
 * shown: those that were asked for, in the order that was asked for. The daemon
 * may be of another version: what is not there is "?", and never an error.
 */
struct top_row {
	/* Printable ASCII. */
	const char *from, *to;
	const char *port; /* "8080/TCP", "ICMP" */
	const char *fate; /* "allow", "deny", "would deny" */
	const char *why;
	const char *last; /* a time, as it was told: sorts as text */
	double rate;	  /* a second */
	double count;
	bool is_denied;
	bool would_be_denied; /* and is not */
};

/** An all-zero struct has no rows. */
struct top_rows {
	struct top_row *items;
	size_t n;
	size_t n_all; /* before the view and the filter */
	struct arena arena;
};

/** Read an answer; @flows may be NULL. What was there before is gone. 0 or
 *  -ENOMEM. */
int top_rows_read(struct top_rows *rows, const json_t *flows,
		  const struct top_choice *choice);

void top_rows_release(struct top_rows *rows);

#endif
