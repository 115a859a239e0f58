/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_EVENT_H
#define NETPOLD_EVENT_H

#include <stdbool.h>

#include "netpold/err.h"
#include "tree.h"

/**
 * What a reader of YAML or JSON says, piece by piece: a value begins, a value
 * ends. A map is a sequence of key, value, key, value; keys are scalars.
 *
 * The two readers differ in the text they take; from here on they are alike.
 */
enum event_type {
	EVENT_END = 0, /* of the whole text; comes again when asked again */
	EVENT_DOCUMENT_END,
	EVENT_SCALAR,
	EVENT_ALIAS,
	EVENT_LIST,
	EVENT_LIST_END,
	EVENT_MAP,
	EVENT_MAP_END,
};

struct event {
	enum event_type type;
	unsigned int line;
	/* Scalars: type and value. Text lives until the next event. */
	struct tree scalar;
	/* The name of the anchor on a value, or of the one an alias stands
	   for. NULL: none. Lives until the next event. */
	const char *anchor;
	bool merge; /* a scalar that, as a key, is a merge key */
};

/**
 * Where events come from.
 *
 * next returns 0, or a negative errno with @err filled in: -EBADMSG for text
 * that is wrong or exceeds a bound, anything else for trouble with reading it.
 */
struct event_source {
	int (*next)(void *reader, struct event *event, struct err *err);
	/** The line where reading stands; for errors. */
	unsigned int (*line)(const void *reader);
	void *reader;
	/** Its text can name a value and use it again later. */
	bool has_aliases;
};

#endif
