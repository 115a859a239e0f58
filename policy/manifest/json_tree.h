/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_JSON_TREE_H
#define NETPOLD_JSON_TREE_H

#include <stddef.h>

#include "builder.h"
#include "netpold/arena.h"
#include "netpold/err.h"
#include "tree.h"

struct json_reader;

/**
 * Makes trees of JSON texts that lie in memory, one after another.
 */
struct json_tree {
	struct json_reader *reader;
	struct builder builder;
	const char *at;
	const char *end;
};

/** Returns 0 or -ENOMEM. @json  all zero; must not move from here on */
int json_tree_init(struct json_tree *json);

void json_tree_release(struct json_tree *json);

/**
 * Read one text, which is one value.
 *
 * @arena  holds the tree
 *
 * Returns  0; -EBADMSG where the text is wrong or exceeds a bound of tree.h;
 *          -ENOMEM. After a failure the next text may be read all the same.
 */
int json_tree_read(struct json_tree *json, const char *text, size_t len,
		   struct arena *arena, struct tree **out, struct err *err);

#endif
