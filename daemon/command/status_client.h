/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_STATUS_CLIENT_H
#define NETPOLD_DAEMON_COMMAND_STATUS_CLIENT_H

#include <stdint.h>

#include <jansson.h>

#include "netpold/err.h"

/**
 * A command's side of the status socket: it asks the netpold that runs on this
 * node, and does not wait for ever.
 */
struct status_client {
	int fd; /* -1: not connected */
	const char *path;
	int64_t deadline_us; /* of all that is asked, by clock_us() */
	char *in;	     /* what has come of the next answer */
	size_t in_len, in_size;
};

/** How long all answers together may take. */
#define STATUS_CLIENT_PATIENCE_S 5

/**
 * Find the daemon.
 *
 * @path  outlives @client
 *
 * Returns  0; a negative errno with a message that says what to look at.
 */
int status_client_open(const char *path, struct status_client *client,
		       struct err *err);

/** Also for one that was not opened, but whose fd is -1. */
void status_client_close(struct status_client *client);

/** What holds where nobody says where to look: $NETPOLD_STATUS_SOCKET, else
 *  STATUS_SOCKET_PATH. */
const char *status_client_default_path(void);

/**
 * Ask for something by its name: "status", "metrics".
 *
 * @out  what was asked for, without the frame of the answer; a new reference
 *
 * Returns  0; -ETIMEDOUT; another negative errno where there is no such answer;
 *          each with a message.
 */
int status_client_get(struct status_client *client, const char *name,
		      json_t **out, struct err *err);

/**
 * Ask any question (observe/request.h).
 *
 * @question  as it is sent
 * @name      the member of the answer that is wanted
 *
 * Returns  as status_client_get().
 */
int status_client_ask(struct status_client *client, const json_t *question,
		      const char *name, json_t **out, struct err *err);

#endif
