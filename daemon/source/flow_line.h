/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_FLOW_LINE_H
#define NETPOLD_DAEMON_SOURCE_FLOW_LINE_H

#include <stddef.h>

#include <jansson.h>

#include "netpold/err.h"

#include "flow_words.h"

/**
 * A flow on a line of its own, as JSON (schema/flow.schema.json):
 *
 *	{"from":"shop/web","to":"shop/db","protocol":"TCP","port":5432}
 *
 * Text is hostile. Whoever reads the lines bounds their length, and jansson
 * the depth; a field that is not known or given twice is an error, as it may be
 * a misspelt one.
 */
struct flow_line {
	struct flow_words words; /* strings belong to root */
	json_t *root;
};

/**
 * Read a line.
 *
 * Returns  0 with a flow to be released; -EINVAL with a message of printable
 *          ASCII, whatever the line holds.
 */
int flow_line_read(const char *text, size_t len, struct flow_line *out,
		   struct err *err);

/** A zero struct is fine. */
void flow_line_release(struct flow_line *line);

#endif
