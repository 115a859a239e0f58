/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_STATUS_SERVER_H
#define NETPOLD_DAEMON_OBSERVE_STATUS_SERVER_H

#include <stdint.h>

#include "netpold/err.h"

#include "observe/request.h"

/**
 * Answers requests over a Unix socket, one JSON object a line each way
 * (request.h).
 *
 * It has a thread of its own, "observer", and waits for no client: of each it
 * holds one line and one answer at most, and who has not brought a line, or not
 * taken an answer, in time is dropped. No more than STATUS_SERVER_CLIENTS are
 * let in at once; others wait until there is room.
 *
 * An answer that is kept back (request_handler.keep_ms) is found again whenever
 * status_server_stir() is called, and costs nothing in between. Of the clients
 * no more than STATUS_SERVER_KEPT wait for such a one, so that there is room
 * for others; who comes later has the answer at once.
 */
struct status_server;

#define STATUS_SERVER_CLIENTS 16
#define STATUS_SERVER_KEPT 8

/** How long a client may take for a line, or for an answer. */
#define STATUS_SERVER_PATIENCE_MS 10000

struct status_server_options {
	const char *path;    /* of the socket */
	int64_t patience_ms; /* STATUS_SERVER_PATIENCE_MS, but in tests */
	/* Its handlers and their context outlive the server; they are called
	   by its thread, one at a time. */
	struct request_table requests;
	/**
	 * Takes over a conversation after the answer to
	 * request_table.passed_on, whose ctx it is handed; with that of root,
	 * or of whoever runs the server, only.
	 *
	 * Owns  @fd, which does not block.
	 */
	void (*take)(void *ctx, int fd);
	/* A socket that listens at @path already, from another process; NULL:
	   make one. The server owns the descriptor once it has started. */
	const int *inherited;
};

/**
 * Make the socket, and answer from then on.
 *
 * Returns  as status_socket_open(), and negative errnos of thread creation.
 */
int status_server_start(const struct status_server_options *options,
			struct status_server **out, struct err *err);

/** Something has happened that answers may depend on. Threads: any. */
void status_server_stir(struct status_server *server);

/** Drop all clients and take the socket away. NULL is fine. */
void status_server_stop(struct status_server *server);

/** The same, where another process goes on with the socket: let nobody in any
 *  more, and let those who are in have their answers, if they are quick. */
void status_server_leave(struct status_server *server);

/** The socket that it listens at, for another process. */
int status_server_fd(const struct status_server *server);

#endif
