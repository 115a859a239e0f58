/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_STATE_FILE_H
#define NETPOLD_DAEMON_STATE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * A file in the state folder (--state-dir): what netpold has to know again
 * after a restart.
 *
 * A line of fixed length comes first, and then the contents:
 *
 *	netpold-state 001 pause 0000000000000073 5b1c9f0a3d7e4412
 *	              │   │     │                └ checksum of the contents
 *	              │   │     └ their length    both in hexadecimal
 *	              │   └ the kind, which is the file's name, too
 *	              └ version of the kind's format
 *
 * It is written beside the old one, flushed, and renamed over it: whoever reads
 * sees the old one or the new one, whole. The checksum finds disks that forget,
 * not people who mean harm: the file is root's, and one that others could have
 * written is refused.
 *
 * Threads  one at a time for each kind.
 */
struct state_kind {
	const char *name;     /* at most STATE_KIND_LEN bytes */
	unsigned int version; /* 1 to 999; another one is refused */
	uint64_t max_len;     /* of the contents; longer ones are refused */
};

/** The folder, where nothing else is said. */
#define STATE_FILE_DIR "/var/lib/netpold"

#define STATE_KIND_LEN 5
#define STATE_HEADER_LEN 58

/* ---- writing ------------------------------------------------------------- */

struct state_writer;

/** Begin a new file. The folder is made if it is missing, with mode 0700; the
 *  one that it is in is not. 0 or a negative errno with a message. */
int state_writer_open(const char *folder, const struct state_kind *kind,
		      struct state_writer **out, struct err *err);

/** More of the contents. What fails is told at the end. */
void state_writer_put(struct state_writer *writer, const void *data,
		      size_t len);

/** Contents are all there: put the file in its place, so that it outlives a
 *  loss of power. Waits for the disk. Frees @writer. 0 or a negative errno with
 *  a message: then the old file stays. */
int state_writer_commit(struct state_writer *writer, struct err *err);

/** Leave the old file as it is. NULL is fine. */
void state_writer_abort(struct state_writer *writer);

/* ---- reading ------------------------------------------------------------- */

struct state_reader;

/**
 * Open a file, and check all of it.
 *
 * Returns  0; -ENOENT where there is none; -EBADMSG where it is damaged;
 *          -EPROTO where it is of another version; -EPERM where others could
 *          have written it; another negative errno; each with a message.
 */
int state_reader_open(const char *folder, const struct state_kind *kind,
		      struct state_reader **out, struct err *err);

/** More of the contents, as a manifest_read_fn. @ctx: the reader */
long state_reader_read(void *ctx, char *buf, size_t size);

/** NULL is fine. */
void state_reader_close(struct state_reader *reader);
void state_reader_closep(struct state_reader **reader);

/** Take a file away, for good. 0, also where there is none; a negative errno
 *  with a message. */
int state_file_remove(const char *folder, const struct state_kind *kind,
		      struct err *err);

#endif
