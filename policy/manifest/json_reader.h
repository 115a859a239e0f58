/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_JSON_READER_H
#define NETPOLD_JSON_READER_H

#include "event.h"
#include "netpold/manifest.h"

/**
 * Reads JSON (RFC 8259), several documents one after another, piece by piece.
 *
 * Memory is bounded by the longest single string, which is at most
 * TREE_MAX_TEXT.
 */
struct json_reader;

/** Returns 0 or -ENOMEM. */
int json_reader_new(manifest_read_fn read, void *read_ctx,
		    struct json_reader **out);

/** Forget all that was read, failures included: what the read function gives
 *  next begins a new text. */
void json_reader_restart(struct json_reader *json);

/** NULL is fine. */
void json_reader_free(struct json_reader *json);

/** Its events; the reader stays the caller's. */
struct event_source json_reader_source(struct json_reader *json);

#endif
