/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_NODE_H
#define NETPOLD_DAEMON_SUITE_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/err.h"

/**
 * The text of a suite as values in values, each with its place: whoever is told
 * of a mistake wants its line, and an expectation that is written anew is put
 * where the old one stood, so that comments and layout stay as they are.
 *
 * What a suite needs of YAML is little, and what it does not need is refused:
 * anchors, aliases, tags, several documents, deep nesting.
 *
 * Nodes live in the arena of whoever reads.
 */
enum suite_node_type { NODE_NULL = 0, NODE_TEXT, NODE_LIST, NODE_MAP };

struct suite_node {
	enum suite_node_type type;
	const char *key;   /* of a field of a map; NULL otherwise */
	unsigned int line; /* from 1; of a field, its key's */
	const struct suite_node *first; /* of a list or a map */
	const struct suite_node *next;	/* item or field */
	size_t n;			/* of them */
	/* NODE_TEXT: without zero bytes. */
	const char *text;
	bool is_block; /* behind | or > */
	/* Bytes of the file: quotes, or the | and what follows, included. */
	size_t begin, end;
	unsigned int value_line; /* on which the value begins */
};

/** Longest suite, in bytes. */
#define SUITE_MAX_SIZE ((size_t)4 << 20)

/**
 * Read a text.
 *
 * @file  what messages call it
 *
 * Returns  0; -EINVAL with "FILE:LINE: …"; -ENOMEM.
 * Owns     nothing: nodes and their texts are @arena's.
 */
int suite_node_read(const char *file, const char *text, size_t len,
		    struct arena *arena, const struct suite_node **out,
		    struct err *err);

/** The field of a map; NULL where it is not there, or null. */
const struct suite_node *suite_node_get(const struct suite_node *map,
					const char *key);

/** "a list", "a mapping", "text", "nothing". */
const char *suite_node_type_name(enum suite_node_type type);

#endif
