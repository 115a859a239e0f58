/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/question_desk.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long an answer waits for who has asked: after that nobody does. */
#define ANSWER_KEPT_US INT64_C(1000000)

enum question_state {
	QUESTION_NONE = 0,
	QUESTION_HANDED_IN,
	QUESTION_TAKEN,
	QUESTION_REPLIED,
};

struct question_desk {
	int event; /* readable: there is a question */
	pthread_mutex_t lock;
	/* under the lock */
	bool open;
	enum question_state state;
	json_int_t number;    /* of the last question, from 1 */
	json_t *question;     /* QUESTION_HANDED_IN */
	json_t *answer;	      /* QUESTION_REPLIED; NULL: refused, */
	struct err why;	      /* and why */
	int64_t abandoned_us; /* when an answer is; 0: not seen yet */
};

int question_desk_new(struct question_desk **out, struct err *err)
{
	struct question_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return err_set(err, -ENOMEM, "no memory to start");
	desk->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (desk->event < 0) {
		free(desk);
		return err_set(err, -errno, "cannot wait for questions: %s",
			       strerror(errno));
	}
	pthread_mutex_init(&desk->lock, NULL);
	*out = desk;
	return 0;
}

void question_desk_free(struct question_desk *desk)
{
	if (!desk)
		return;
	json_decref(desk->question);
	json_decref(desk->answer);
	pthread_mutex_destroy(&desk->lock);
	close(desk->event);
	free(desk);
}

int question_desk_fd(const struct question_desk *desk)
{
	return desk->event;
}

/* ---- the controller's side ----------------------------------------------- */

void question_desk_begin(struct question_desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	desk->open = true;
	pthread_mutex_unlock(&desk->lock);
}

json_t *question_desk_take(struct question_desk *desk)
{
	json_t *question;
	uint64_t n;

	if (read(desk->event, &n, sizeof(n)) < 0)
		return NULL;
	pthread_mutex_lock(&desk->lock);
	question = desk->question;
	desk->question = NULL;
	if (question)
		desk->state = QUESTION_TAKEN;
	pthread_mutex_unlock(&desk->lock);
	return question;
}

void question_desk_reply(struct question_desk *desk, json_t *answer,
			 const struct err *why)
{
	pthread_mutex_lock(&desk->lock);
	desk->answer = answer;
	if (!answer)
		desk->why = *why;
	desk->abandoned_us = 0;
	desk->state = QUESTION_REPLIED;
	pthread_mutex_unlock(&desk->lock);
}

/* ---- the observer's side ------------------------------------------------- */

static int check(json_t *question, struct err *err)
{
	const char *from, *to, *port;
	int family = 4, all, staged;

	if (json_unpack(question, "{ss ss ss s?i s?b s?b !}", "from", &from,
			"to", &to, "port", &port, "family", &family, "all",
			&all, "staged", &staged) == 0 &&
	    (family == 4 || family == 6))
		return 0;
	return err_set(err, -EINVAL,
		       "explain takes \"from\", \"to\" and \"port\", and "
		       "perhaps \"family\", \"all\" and \"staged\"");
}

/* An answer that nobody has come for is thrown away. Under the lock. */
static bool is_busy(struct question_desk *desk, int64_t now_us)
{
	if (desk->state != QUESTION_REPLIED)
		return desk->state != QUESTION_NONE;
	if (!desk->abandoned_us)
		desk->abandoned_us = now_us + ANSWER_KEPT_US;
	if (now_us < desk->abandoned_us)
		return true;
	json_decref(desk->answer);
	desk->answer = NULL;
	desk->state = QUESTION_NONE;
	return false;
}

/* Under the lock. The question is a copy: one thread has it at a time. */
static int put_down(struct question_desk *desk, const json_t *question,
		    struct err *err)
{
	desk->question = json_deep_copy(question);
	if (!desk->question)
		return err_set(err, -ENOMEM, "no memory for a question");
	desk->state = QUESTION_HANDED_IN;
	desk->number++;
	return 0;
}

static json_t *hand_in(struct question_desk *desk, json_t *question,
		       int64_t now_us, struct err *err)
{
	const uint64_t one = 1;
	json_t *out = NULL;

	if (check(question, err) < 0)
		return NULL;
	pthread_mutex_lock(&desk->lock);
	if (!desk->open)
		err_set(err, -EAGAIN,
			"it is still starting, and has nothing in force yet");
	else if (is_busy(desk, now_us))
		out = json_pack("{s{sb}}", "explain", "busy", 1);
	else if (put_down(desk, question, err) == 0)
		out = json_pack("{s{sI}}", "explain", "number", desk->number);
	pthread_mutex_unlock(&desk->lock);
	if (out && write(desk->event, &one, sizeof(one)) < 0)
		return out; /* cannot happen: it is read before it overflows */
	return out;
}

/* Under the lock. */
static json_t *give(struct question_desk *desk, struct err *err)
{
	json_t *answer = desk->answer;

	desk->answer = NULL;
	desk->state = QUESTION_NONE;
	if (answer)
		return json_pack("{s{sI so}}", "explain", "number",
				 desk->number, "answer", answer);
	*err = desk->why;
	return NULL;
}

static json_t *tell(struct question_desk *desk, json_int_t number,
		    struct err *err)
{
	json_t *out = NULL;

	pthread_mutex_lock(&desk->lock);
	if (number != desk->number || desk->state == QUESTION_NONE)
		err_set(err, -ENOENT,
			"the answer was given, or was not come "
			"for in time: ask again");
	else if (desk->state == QUESTION_REPLIED)
		out = give(desk, err);
	else
		out = json_pack("{s{sI}}", "explain", "number", number);
	pthread_mutex_unlock(&desk->lock);
	return out;
}

json_t *question_desk_answer(struct question_desk *desk, const json_t *request,
			     int64_t now_us, struct err *err)
{
	json_t *question = json_object_get(request, "explain");
	const json_t *number = json_object_get(question, "number");

	if (json_is_integer(number))
		return tell(desk, json_integer_value(number), err);
	return hand_in(desk, question, now_us, err);
}

int question_desk_keep_ms(const json_t *request, const json_t *answer)
{
	const json_t *said = json_object_get(answer, "explain");
	json_int_t keep_ms = json_integer_value(json_object_get(
		json_object_get(request, "explain"), "keep_ms"));

	if (json_object_get(said, "answer") || keep_ms < 0)
		return 0;
	return keep_ms < QUESTION_KEEP_MAX_MS ? (int)keep_ms
					      : QUESTION_KEEP_MAX_MS;
}
