/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PAUSE_H
#define NETPOLD_DAEMON_PAUSE_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

#include "boot.h"

/**
 * A pause: until when nothing is denied on this node, by order of an operator.
 *
 * Its end is a moment of the clock that counts from the boot (CLOCK_BOOTTIME):
 * it goes on while the machine sleeps, and nobody can set it, so that a wall
 * clock that jumps neither ends a pause nor makes it last for days. That clock
 * means nothing after a reboot, so that a reboot ends a pause, too; the file
 * holds the boot's name to tell.
 *
 * Threads  any.
 */
struct pause {
	int64_t until_us; /* clock_boot_us() */
	int64_t since_us; /* of the wall clock: for people */
	char reason[256]; /* "": none was given */
};

/** Whoever needs longer than a day wants no netpold, or an audit. */
#define PAUSE_MIN_S 1
#define PAUSE_MAX_S (24 * 60 * 60)

/** Whether a text can be a reason: short enough, and without control
 *  characters, which would forge lines of the log. */
int pause_check_reason(const char *reason, struct err *err);

/** The end, by the wall clock as it is now. */
int64_t pause_until_wall_us(const struct pause *pause);

/** What is left, in microseconds; 0 when it is over. */
int64_t pause_left_us(const struct pause *pause);

/* ---- the file ------------------------------------------------------------ */

enum pause_found {
	PAUSE_NONE = 0, /* no file */
	PAUSE_STANDS,
	PAUSE_OVER, /* its time has passed, or the machine was rebooted */
};

/**
 * Read the contents of a file.
 *
 * @boot_id, @node  what they are now, here
 *
 * Returns  PAUSE_STANDS with @out, or PAUSE_OVER; -EBADMSG where they are not
 *          what was ever written, and -EXDEV where they are another node's,
 *          each with a message.
 */
int pause_parse(const char *text, size_t len, const char boot_id[BOOT_ID_LEN],
		const char *node, struct pause *out, struct err *err);

/** Read the file in a state folder. As pause_parse(), PAUSE_NONE, and as
 *  state_reader_open(). */
int pause_load(const char *folder, const char *node, struct pause *out,
	       struct err *err);

/** Make it outlive a restart. 0 or a negative errno with a message. */
int pause_save(const char *folder, const char *node, const struct pause *pause,
	       struct err *err);

/** Take the file away. */
int pause_forget(const char *folder, struct err *err);

#endif
