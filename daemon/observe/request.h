/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_REQUEST_H
#define NETPOLD_DAEMON_OBSERVE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "netpold/err.h"

/**
 * What may be asked over the status socket, and the answers.
 *
 * A request is a JSON object on a line, an answer is another. The member that
 * is a verb says what is wanted:
 *
 *	{"get": "status"}	{"version": 1, "status": {…}}
 *	{"get": "nonsense"}	{"version": 1, "error": "…"}
 */

/** Of the protocol. A member more in an answer is no new version. */
#define REQUEST_VERSION 1

/** One verb. */
struct request_handler {
	const char *verb; /* the name of the member that asks for it */
	/**
	 * Find the answer. It may block for some milliseconds, not longer.
	 *
	 * @request  the whole object, which has a member @verb
	 *
	 * Returns  an object, a new reference, whose members become those of
	 *          the answer; NULL with a message for who has asked.
	 */
	json_t *(*answer)(void *ctx, const json_t *request, struct err *err);
	/**
	 * For how long to keep an answer back, since who has asked would rather
	 * have another one: until then it is found again whenever something has
	 * happened, and not sent before this returns 0.
	 *
	 * NULL: every answer is sent at once.
	 */
	int (*keep_ms)(const json_t *request, const json_t *answer);
};

struct request_table {
	const struct request_handler *handlers;
	size_t n_handlers;
	void *ctx; /* handed to the handlers */
	/* The verb after whose answer, unless that is an error, the
	   conversation is somebody else's (status_server.h); NULL: none. */
	const char *passed_on;
};

/** What is to become of an answer. */
struct request_next {
	bool pass_on; /* that was the verb request_table.passed_on */
	int keep_ms;  /* as request_handler.keep_ms() has it; 0: send it */
};

/**
 * Answer one line, whatever it holds.
 *
 * @line      any bytes, without the end of the line
 * @out_len   length of the answer, the end of its line included
 *
 * Returns  malloc()ed; the caller frees it. NULL without memory.
 */
char *request_answer(const struct request_table *table, const char *line,
		     size_t len, size_t *out_len, struct request_next *next);

/** The same, where a line was too long to be read. */
char *request_refuse(const char *why, size_t *out_len);

#endif
