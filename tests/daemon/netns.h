/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_DAEMON_NETNS_H
#define NETPOLD_TESTS_DAEMON_NETNS_H

/**
 * A network namespace of the test's own. It goes with the process, and with it
 * all rules, sets and connections that the test made.
 */

/**
 * Move this process into a new network namespace, with loopback up. A cmocka
 * setup function: it fails, with a sentence that says what is missing, where
 * the process is not root.
 */
int netns_enter(void **state);

/** Run a shell command; returns its exit status. */
int netns_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Run a shell command; its output, at most size - 1 bytes, ends up in @text.
 *  Returns its exit status. */
int netns_read(char *text, int size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * Run @body in a child process that is an ordinary user, in the same network
 * namespace, with what this process holds open.
 *
 * Returns  what @body returned, 0 to 125.
 */
int netns_without_root(int (*body)(void *ctx), void *ctx);

#endif
