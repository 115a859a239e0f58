/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TREE_H
#define NETPOLD_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/arena.h"

/**
 * The common form of YAML and JSON text: values in values, each with the line
 * on which it was written.
 *
 * Maps are lists of entries in the order of the text, doubled keys included,
 * so that a reader can complain about them. Nodes live in an arena and are not
 * changed once they have been handed out.
 */
enum tree_type {
	TREE_NULL = 0,
	TREE_BOOL,
	TREE_INT,
	TREE_FLOAT, /* never infinite, never NaN */
	TREE_STRING,
	TREE_LIST,
	TREE_MAP,
};

/*
 * Bounds of one tree, so that hostile text costs a known amount of memory.
 *
 * An object of the API server is at most about 1.5 MB in its own encoding and
 * a few times that as text (API-46). Depth is generous because of the schemas
 * in CustomResourceDefinitions, which may lie in the same folder as policies;
 * it also bounds the recursion of whoever walks a tree.
 */
#define TREE_MAX_DEPTH 256
#define TREE_MAX_NODES 1000000	 /* after the expansion of aliases */
#define TREE_MAX_TEXT (16 << 20) /* bytes of keys and strings, likewise */
#define TREE_MAX_ANCHORS 1000	 /* in one document */

struct tree {
	struct tree *next; /* the following item or entry */
	const char *key;   /* of an entry of a map, else NULL */
	uint32_t key_len;
	uint32_t line; /* of the key, where there is one */
	union {
		bool boolean;
		int64_t integer;
		double real;
		const char *text;   /* ends in a zero byte, may hold more */
		struct tree *first; /* lists and maps */
	};
	uint32_t len;  /* bytes of text; items or entries */
	uint8_t type;  /* enum tree_type */
	bool merged;   /* came into its map by a merge key */
	bool streamed; /* a list whose items were handed out one by one */
};

/** The last entry with this key, as kubectl reads doubled keys; NULL when
 *  there is none, or @map is no map or NULL. */
const struct tree *tree_get(const struct tree *map, const char *key);

/** Like tree_get(), but an entry that is null counts as absent (NP-1). */
const struct tree *tree_get_set(const struct tree *map, const char *key);

/** First item or entry; NULL for anything but a filled list or map. */
const struct tree *tree_first(const struct tree *tree);

/** True when the key of an entry is @key, byte for byte. */
bool tree_key_is(const struct tree *entry, const char *key);

/** True when @tree is the string @text, byte for byte. */
bool tree_text_is(const struct tree *tree, const char *text);

/** The text of a string; "" for anything else, NULL included. */
const char *tree_text(const struct tree *tree);

/** The number of an integer, or of a float without a fraction: 80.0 and 1e3
 *  are 80 and 1000 (AV-11). False when @tree is none or does not fit. */
bool tree_integer(const struct tree *tree, int64_t *out);

/**
 * The entries of a map in the order of their keys, byte for byte; those with
 * the same key in the order of the text.
 *
 * Returns  an array of map->len pointers; NULL without memory.
 */
struct tree **tree_sort(const struct tree *map, struct arena *arena);

/** Compares the keys of two entries, byte for byte. */
int tree_compare_keys(const struct tree *a, const struct tree *b);

#endif
