/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_WARM_FILE_H
#define NETPOLD_DAEMON_SOURCE_WARM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/object.h"

#include "boot.h"
#include "state_file.h"

struct cluster;

/**
 * The warm file: what a source of objects said when it was last read, for a
 * start at which it says nothing.
 *
 * It is a state file (state_file.h). Its contents are a line of JSON about
 * itself, and then a line for each object, as manifest_write() writes it and
 * any manifest is read:
 *
 *	{"boot_id":"…","node":"node-a","source":"…","written_us":1732590000000000}
 *	{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}
 *	…
 *
 * Where one object cannot be read, none counts: half of the policies would let
 * through what the other half denies.
 *
 * Threads  one at a time.
 */

/** Whose file it is: another one's is not used. */
struct warm_owner {
	const char *node;
	/* What the objects are read from, in one line: equal for the same
	   source only (warm_source_of_paths()). */
	const char *source;
};

/** The source that manifests are: their paths, as they were given. malloc()ed;
 *  NULL without memory, or where a path is no UTF-8. */
char *warm_source_of_paths(const char *const *paths, size_t n_paths);

/** What a file holds. */
struct warm_state {
	struct cluster *cluster;
	int64_t written_us; /* when, by the wall clock */
	bool rebooted;	    /* since then: pods of this node have no address in
			       @cluster, for they get new ones */
};

/** An empty one is fine. */
void warm_state_release(struct warm_state *state);

/** Begin a file. warm_file_put() is for its objects, and state_writer_commit()
 *  puts it in its place. 0 or a negative errno with a message. */
int warm_file_begin(const char *folder, const struct warm_owner *owner,
		    struct state_writer **out, struct err *err);

/** Write an object down. */
void warm_file_put(struct state_writer *writer, const struct object *object);

/**
 * Read the contents of a file.
 *
 * @read     as manifest_read_fn, of contents that have not been read yet
 * @boot_id  what it is now, here
 *
 * Returns  0; -EBADMSG where they are not what was ever written; -EXDEV where
 *          they are another node's, or of another source; -ENOMEM; another
 *          negative errno of @read; each with a message.
 */
int warm_file_parse(long (*read)(void *ctx, char *buf, size_t size), void *ctx,
		    const char boot_id[BOOT_ID_LEN],
		    const struct warm_owner *owner, struct warm_state *out,
		    struct err *err);

/** Read the file in a state folder. As warm_file_parse() and
 *  state_reader_open(). */
int warm_file_read(const char *folder, const struct warm_owner *owner,
		   struct warm_state *out, struct err *err);

/** Take the file away. */
int warm_file_remove(const char *folder, struct err *err);

#endif
