/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_PAUSE_DESK_H
#define NETPOLD_DAEMON_OBSERVE_PAUSE_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "netpold/err.h"

#include "pause.h"

/**
 * Where the observer's thread hands in what an operator wants, and the
 * controller takes it. Neither waits for the other: who hands in gets a number,
 * and asks with it until there is an answer.
 *
 *	{"pause": {"for": 600, "reason": "…"}}	{"pause": {"number": 7}}
 *	{"pause": {"end": true}}		{"pause": {"number": 8}}
 *	{"pause": {"number": 7}}		{"pause": {"number": 7}}:
 *						not yet
 *	{"pause": {"number": 8}}		{"pause": {"number": 8,
 *						 "said": "…"}}, or an error
 *
 * Threads  any, unless a function says otherwise.
 */
struct pause_desk;

struct pause_request {
	bool end;	/* end the pause; else begin one */
	int64_t for_us; /* how long */
	char reason[sizeof(((struct pause *)0)->reason)];
};

/** A desk where nobody takes anything yet, and requests are refused. 0 or a
 *  negative errno with a message. */
int pause_desk_new(struct pause_desk **out, struct err *err);

/** NULL is fine. */
void pause_desk_free(struct pause_desk *desk);

/** From now on requests are taken. Controller only. */
void pause_desk_begin(struct pause_desk *desk);

/** Readable when there is something to take. */
int pause_desk_fd(const struct pause_desk *desk);

/** The request that has come, if one has: it has to be replied to. Controller
 *  only. */
bool pause_desk_take(struct pause_desk *desk, struct pause_request *out);

/** It is done: a sentence for who has asked; where it was refused, @code is a
 *  negative errno. Controller only. */
void pause_desk_reply(struct pause_desk *desk, int code, const char *said);

/** Answers the verb "pause" (struct request_handler). */
json_t *pause_desk_answer(struct pause_desk *desk, const json_t *request,
			  struct err *err);

#endif
