/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_CLIENT_H
#define NETPOLD_DAEMON_OBSERVE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * One conversation over a stream socket: lines come in, answers go out, and
 * nothing waits for the other end.
 *
 * There is at most one answer at a time. While it has not gone out whole,
 * nothing is read, so that neither side can make the other hold more than one
 * line and one answer.
 */

/** The longest line, without its end. */
#define CLIENT_LINE_MAX 65536

struct client {
	int fd; /* non-blocking; -1: no client */
	char *in;
	size_t in_len;
	bool ended; /* nothing more is read */
	char *out;  /* NULL: no answer is on its way */
	size_t out_len, out_sent;
};

enum client_line {
	CLIENT_NO_LINE = 0,
	CLIENT_LINE,
	CLIENT_LINE_TOO_LONG, /* nothing that follows is read */
};

/**
 * Begin.
 *
 * Owns     @fd on success.
 * Returns  0 or -ENOMEM.
 */
int client_open(struct client *client, int fd);

/** End, whatever is on its way. */
void client_close(struct client *client);

/** End for who was here, and go on elsewhere: the descriptor is the caller's.
 *  What has come and has no answer is lost. */
int client_pass_on(struct client *client);

/**
 * Read what has come. The end of the stream ends its last line, too.
 *
 * Returns  0; a negative errno where the conversation is over.
 */
int client_read(struct client *client);

/**
 * The first line that has come and has no answer yet. None while an answer is
 * on its way.
 *
 * @line  points into @client until client_answer(); has no zero byte at its end
 */
enum client_line client_line(const struct client *client, const char **line,
			     size_t *len);

/**
 * Answer the first line, which is over with that.
 *
 * Owns     @answer, malloc()ed.
 */
void client_answer(struct client *client, char *answer, size_t len);

/** Write as much as can be written now. 0, or a negative errno as
 *  client_read(). */
int client_write(struct client *client);

/** True when there is nothing more to say or to hear. */
bool client_is_done(const struct client *client);

/** What to poll(2) for. */
short client_events(const struct client *client);

#endif
