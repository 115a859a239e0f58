/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_MANIFEST_WRITE_H
#define NETPOLD_MANIFEST_WRITE_H

#include <stddef.h>

#include "netpold/object.h"

/** Where text goes; it cannot fail, or remembers that it did. */
typedef void (*manifest_put_fn)(void *ctx, const char *text, size_t len);

/**
 * Write an object as a line of JSON, from which manifest_next() reads an equal
 * one: with all that decides, and nothing else of what it was made from. Lines
 * that follow each other are one text.
 *
 * A selector that nobody can evaluate (NP-25) stays one: manifest_next()
 * refuses it. A time of creation outside of the years 1 to 9999, which is none,
 * is left out.
 *
 * Threads  any.
 */
void manifest_write(const struct object *object, manifest_put_fn put,
		    void *ctx);

#endif
