/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_HANDOVER_WIRE_H
#define NETPOLD_DAEMON_HANDOVER_WIRE_H

#include <stddef.h>

#include <jansson.h>

#include "netpold/err.h"

/**
 * What two netpolds say to each other while one takes over: over a connection
 * to the status socket, one JSON object on a line each way, as all that is
 * asked there (observe/request.h), and descriptors.
 *
 *	the new one			the old one
 *	{"hand-over": {terms}}
 *					{"version": 1, "hand-over": "agreed"}
 *					{"hand-over": "queues"} and descriptors:
 *					status socket, lock, each queue
 *	{"hand-over": "judging"}
 *					{"hand-over": "resting"}
 *	{"hand-over": "in force"}
 *					ends
 *
 * {"error": "…"} instead of any of these ends it. Each waits for the other, but
 * not for ever.
 */

/** Status socket, lock, and as many queues as there can be. */
#define WIRE_FDS_MAX (2 + 256)

/** One end. */
struct wire {
	int fd; /* does not block; -1: none */
	char in[4096];
	size_t in_len;
	int fds[WIRE_FDS_MAX]; /* what has come */
	size_t n_fds;
};

/** Begin. Owns @fd. */
void wire_open(struct wire *wire, int fd);

/** End; descriptors that have come and were not taken are closed. */
void wire_close(struct wire *wire);

/**
 * Say one word, and send descriptors with it.
 *
 * Returns  0; a negative errno: -EPIPE where the other one has ended, and
 *          -ETIMEDOUT.
 */
int wire_say(struct wire *wire, const char *word, const int *fds, size_t n,
	     int patience_ms);

/** Say why it is over, if anybody listens. */
void wire_refuse(struct wire *wire, const char *why);

/**
 * Wait for a word.
 *
 * Returns  0; -EPIPE where the other one has ended; -ETIMEDOUT; -ECANCELED
 *          where it has said that it is over, with what it says as the message;
 *          -EPROTO where it says anything else.
 */
int wire_await(struct wire *wire, const char *word, int patience_ms,
	       struct err *err);

/** Say an object as it is. Returns as wire_say(). */
int wire_say_object(struct wire *wire, const json_t *object, int patience_ms);

#endif
