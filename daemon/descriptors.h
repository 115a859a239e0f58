/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DESCRIPTORS_H
#define NETPOLD_DAEMON_DESCRIPTORS_H

#include <sys/types.h>

/**
 * File descriptors on their way to another process, over a Unix socket
 * (SCM_RIGHTS, unix(7)). They stay the sender's, too.
 */

/** As many as go with one message. */
#define DESCRIPTORS_MAX 64

/**
 * Send some bytes, at least one, and descriptors with them.
 *
 * Returns  how many bytes went; a negative errno, -EAGAIN where a socket that
 *          does not block is full: then no descriptor went either.
 */
ssize_t descriptors_send(int socket, const void *data, size_t len,
			 const int *fds, size_t n);

/**
 * Receive bytes, and the descriptors that come with them.
 *
 * @fds  @max of them, filled up with -1; each is closed at the next execve(2)
 *
 * Owns     the caller owns what has come, and has to close it.
 * Returns  how many bytes came, 0 at the end; a negative errno.
 */
ssize_t descriptors_receive(int socket, void *data, size_t len, int *fds,
			    size_t max);

#endif
