/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_YAML_READER_H
#define NETPOLD_YAML_READER_H

#include "event.h"
#include "netpold/manifest.h"

/**
 * Reads YAML as kubectl does, piece by piece.
 *
 * Memory is bounded by the longest single value, which is at most
 * TREE_MAX_TEXT.
 */
struct yaml_reader;

/** Returns 0 or -ENOMEM. */
int yaml_reader_new(manifest_read_fn read, void *read_ctx,
		    struct yaml_reader **out);

/** NULL is fine. */
void yaml_reader_free(struct yaml_reader *yaml);

/** Its events; the reader stays the caller's. */
struct event_source yaml_reader_source(struct yaml_reader *yaml);

#endif
