/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TOP_TERMINAL_H
#define NETPOLD_DAEMON_TOP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "netpold/err.h"

/**
 * A terminal that shows a page after the other, and has keys.
 *
 * It writes ECMA-48 and the two modes of xterm that every terminal of today
 * has, the other screen and the hidden cursor, and not what a description of
 * the terminal says (ncurses): a container has none, TERM is often not that of
 * the terminal at the other end of `kubectl exec`, and a program that runs as
 * root is better off with a library less. The size is asked for with each page,
 * so that a resize is seen even where no signal tells of it.
 */
struct terminal {
	struct termios before;
	int signals; /* signalfd(2) */
	bool is_open;
};

/** Whether standard input and output are one that can do that. */
bool terminal_is_there(void);

/** Take it over. Until terminal_close() SIGWINCH and what ends a program come
 *  as events. 0 or a negative errno with a message. */
int terminal_open(struct terminal *terminal, struct err *err);

/** Give it back as it was. Also for one that is not open. */
void terminal_close(struct terminal *terminal);

struct terminal_size {
	size_t columns, lines;
};

/** 80 by 24 where it does not say. */
struct terminal_size terminal_size(void);

enum terminal_event {
	TERMINAL_QUIET = 0, /* nothing came in time */
	TERMINAL_KEYS,	    /* there is something to read */
	TERMINAL_RESIZED,
	TERMINAL_ENDS, /* it is gone, or a signal says to end */
};

enum terminal_event terminal_wait(const struct terminal *terminal,
				  int timeout_ms);

/** Read what was typed. 0: the terminal is gone. */
size_t terminal_read(char *bytes, size_t n);

/**
 * Show a page: lines, each with its end, no more than fit.
 *
 * Returns  0 or a negative errno.
 */
int terminal_show(const char *page);

#endif
