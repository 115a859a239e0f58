/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_READING_H
#define NETPOLD_TESTS_READING_H

/*
 * Manifest text that lies in a string, for tests: handed to a reader in pieces
 * of any size, and what comes out written down as text again.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/manifest.h"
#include "manifest/scalar.h"
#include "manifest/text.h"
#include "manifest/tree.h"

/** Text and how much of it a reader gets at once. */
struct pieces {
	const char *text;
	size_t len;
	size_t piece;
	size_t at;
};

static inline struct pieces pieces_of(const char *text, size_t piece)
{
	return (struct pieces){ .text = text,
				.len = strlen(text),
				.piece = piece };
}

static inline long pieces_read(void *ctx, char *buf, size_t size)
{
	struct pieces *pieces = ctx;
	size_t n = pieces->len - pieces->at;

	if (n > size)
		n = size;
	if (n > pieces->piece)
		n = pieces->piece;
	memcpy(buf, pieces->text + pieces->at, n);
	pieces->at += n;
	return (long)n;
}

/** A tree as compact JSON. */
static inline void dump_tree(const struct tree *tree, struct text *out)
{
	char real[SCALAR_REAL_LEN];
	bool is_map = tree->type == TREE_MAP;

	switch (tree->type) {
	case TREE_NULL:
		text_put(out, "null");
		return;
	case TREE_BOOL:
		text_put(out, "%s", tree->boolean ? "true" : "false");
		return;
	case TREE_INT:
		text_put(out, "%lld", (long long)tree->integer);
		return;
	case TREE_FLOAT:
		text_put(out, "%s", scalar_format_real(tree->real, real));
		return;
	case TREE_STRING:
		text_put_json_string(out, tree->text, tree->len);
		return;
	}
	text_put(out, "%s", is_map ? "{" : "[");
	for (const struct tree *e = tree->first; e; e = e->next) {
		text_put(out, "%s", e == tree->first ? "" : ",");
		if (is_map) {
			text_put_json_string(out, e->key, e->key_len);
			text_put(out, ":");
		}
		dump_tree(e, out);
	}
	text_put(out, "%s", is_map ? "}" : "]");
}

/** What a manifest has to say, a line for each finding. */
struct reading {
	struct text findings;
	size_t n_objects;
	size_t n_errors;
	size_t n_ignored;
	size_t n_pod_makers;
	int result; /* of the last manifest_next() */
};

static inline void reading_take(void *ctx, const struct finding *finding)
{
	struct reading *reading = ctx;
	int n = finding_format(finding, NULL, 0);
	char *line = malloc((size_t)n + 1);

	finding_format(finding, line, (size_t)n + 1);
	text_put(&reading->findings, "%s%s", reading->findings.len ? "\n" : "",
		 line);
	free(line);
}

/** Called for each object, while it is valid. */
typedef void (*reading_fn)(void *ctx, const struct object *object);

static inline void read_pieces(struct pieces *pieces, bool strict,
			       reading_fn fn, void *ctx, struct reading *out)
{
	struct manifest_options options = {
		.file = "f",
		.strict = strict,
		.read = pieces_read,
		.read_ctx = pieces,
		.report = reading_take,
		.report_ctx = out,
	};
	struct manifest *manifest = NULL;
	struct object object;
	struct err err;

	manifest_open(&options, &manifest);
	while ((out->result = manifest_next(manifest, &object, &err)) == 1) {
		out->n_objects++;
		if (fn)
			fn(ctx, &object);
	}
	out->n_errors = manifest_n_errors(manifest);
	out->n_ignored = manifest_n_ignored(manifest);
	out->n_pod_makers = manifest_n_pod_makers(manifest);
	manifest_close(manifest);
}

static inline void reading_release(struct reading *reading)
{
	text_release(&reading->findings);
}

#endif
