/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_RESTORE_TEXT_H
#define NETPOLD_DAEMON_DATAPATH_RESTORE_TEXT_H

#include <stddef.h>
#include <stdio.h>

/**
 * A text for iptables-restore(8), written line by line. An all-zero struct is
 * not open; release it in every case.
 */
struct restore_text {
	char *data; /* whole when it is closed; its own */
	size_t len;
	FILE *stream;
};

/** 0 or -ENOMEM. */
int restore_text_open(struct restore_text *text);

/** Write one line, without its end. */
void __attribute__((format(printf, 2, 3)))
restore_text_put(struct restore_text *text, const char *fmt, ...);

/** 0, or -ENOMEM for this or an earlier line. */
int restore_text_close(struct restore_text *text);

void restore_text_release(struct restore_text *text);

#endif
