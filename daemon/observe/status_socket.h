/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_STATUS_SOCKET_H
#define NETPOLD_DAEMON_OBSERVE_STATUS_SOCKET_H

#include <sys/types.h>

#include "netpold/err.h"

/** Where a daemon listens, and where its commands look for it. */
#define STATUS_SOCKET_PATH "/run/netpold/status.sock"

/**
 * The file of the status socket: made with mode 0600, in place of what a dead
 * daemon has left, never in place of a living one's.
 */
struct status_socket {
	int fd; /* listening, non-blocking; -1: none */
	char *path;
	dev_t dev; /* which file it is */
	ino_t ino;
};

/**
 * Listen at a path. Its folder is made if it is missing, with mode 0755.
 *
 * Returns  0; -EADDRINUSE where another daemon listens; -EEXIST where something
 *          stands that is no socket; -EWOULDBLOCK where another program has
 *          kept the folder locked for a second; another negative errno; each
 *          with a message for the operator.
 */
int status_socket_open(const char *path, struct status_socket *out,
		       struct err *err);

/**
 * Go on with a socket that another daemon has made at that path.
 *
 * Owns     @fd on success.
 * Returns  0; -ENOMEM.
 */
int status_socket_adopt(const char *path, int fd, struct status_socket *out,
			struct err *err);

/** Take the file away, if it still is ours, and listen no more. */
void status_socket_close(struct status_socket *socket);

/** Listen no more: another daemon does, at the same file. */
void status_socket_leave(struct status_socket *socket);

#endif
