/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_QUESTION_DESK_H
#define NETPOLD_DAEMON_OBSERVE_QUESTION_DESK_H

#include <stdint.h>

#include <jansson.h>

#include "netpold/err.h"

/**
 * Where the observer's thread hands in what somebody asks about a flow, and the
 * controller, which owns the objects and the snapshot, answers. Neither waits
 * for the other, as at the desk for pauses (pause_desk.h): who hands in gets a
 * number, and asks with it until there is an answer, which is given once.
 *
 *	{"explain": {"from": "shop/web", "to": "10.0.0.7", "port": "80/TCP"}}
 *	{"explain": {"number": 7}}		or {"explain": {"busy": true}}
 *	{"explain": {"number": 7, "keep_ms": 2000}}
 *	{"explain": {"number": 7, "answer": {…}}}, or an error
 *
 * A question may have a family, 4 or 6, "staged": true for what would be if
 * staged policies were enforced, and "all": true for all policies and
 * rules. One is answered at a time, and its answer waits a second for who has
 * asked; somebody else's question is turned away as long.
 *
 * Threads  any, unless a function says otherwise.
 */
struct question_desk;

/** The longest that an answer is kept back (request.h). */
#define QUESTION_KEEP_MAX_MS 2000

/** A desk where nobody answers yet, and questions are refused. 0 or a negative
 *  errno with a message. */
int question_desk_new(struct question_desk **out, struct err *err);

/** NULL is fine. */
void question_desk_free(struct question_desk *desk);

/** From now on questions are answered. Controller only. */
void question_desk_begin(struct question_desk *desk);

/** Readable when there is something to take. */
int question_desk_fd(const struct question_desk *desk);

/** The question that has come, for the caller, who has to reply; NULL: none
 *  has. It is an object, and no more is checked. Controller only. */
json_t *question_desk_take(struct question_desk *desk);

/**
 * Reply.
 *
 * @answer  owned; NULL: it is refused
 * @why     then, for who has asked
 *
 * Threads  controller only.
 */
void question_desk_reply(struct question_desk *desk, json_t *answer,
			 const struct err *why);

/** The verb "explain" (struct request_handler). @now_us: clock_us() */
json_t *question_desk_answer(struct question_desk *desk, const json_t *request,
			     int64_t now_us, struct err *err);
int question_desk_keep_ms(const json_t *request, const json_t *answer);

#endif
