/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/pause_desk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define US_PER_S INT64_C(1000000)

struct pause_desk {
	int event; /* readable: there is a request */
	pthread_mutex_t lock;
	/* under the lock */
	bool open; /* requests are taken */
	struct pause_request request;
	json_int_t number; /* the request's, from 1 */
	bool taken, replied;
	struct err reply; /* its code is 0 where it was done */
};

int pause_desk_new(struct pause_desk **out, struct err *err)
{
	struct pause_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return err_set(err, -ENOMEM, "no memory to start");
	desk->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (desk->event < 0) {
		free(desk);
		return err_set(err, -errno, "cannot wait for an operator: %s",
			       strerror(errno));
	}
	pthread_mutex_init(&desk->lock, NULL);
	desk->taken = desk->replied = true;
	*out = desk;
	return 0;
}

void pause_desk_free(struct pause_desk *desk)
{
	if (!desk)
		return;
	pthread_mutex_destroy(&desk->lock);
	close(desk->event);
	free(desk);
}

int pause_desk_fd(const struct pause_desk *desk)
{
	return desk->event;
}

/* ---- the controller's side ----------------------------------------------- */

void pause_desk_begin(struct pause_desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	desk->open = true;
	pthread_mutex_unlock(&desk->lock);
}

bool pause_desk_take(struct pause_desk *desk, struct pause_request *out)
{
	uint64_t n;
	bool come;

	if (read(desk->event, &n, sizeof(n)) < 0)
		return false;
	pthread_mutex_lock(&desk->lock);
	come = !desk->taken;
	desk->taken = true;
	*out = desk->request;
	pthread_mutex_unlock(&desk->lock);
	return come;
}

void pause_desk_reply(struct pause_desk *desk, int code, const char *said)
{
	pthread_mutex_lock(&desk->lock);
	err_set(&desk->reply, code, "%s", said);
	desk->replied = true;
	pthread_mutex_unlock(&desk->lock);
}

/* ---- the observer's side ------------------------------------------------- */

static int parse(json_t *wish, struct pause_request *out, struct err *err)
{
	const char *reason = "";
	json_int_t for_s = 0;
	int end = 0;

	if (json_unpack(wish, "{s?I s?b s?s !}", "for", &for_s, "end", &end,
			"reason", &reason) < 0 ||
	    end != !json_object_get(wish, "for"))
		return err_set(err, -EINVAL,
			       "pause takes \"for\", and perhaps a "
			       "\"reason\", or \"end\": true");
	if (!end && (for_s < PAUSE_MIN_S || for_s > PAUSE_MAX_S))
		return err_set(err, -EINVAL,
			       "a pause lasts from %d to %d seconds",
			       PAUSE_MIN_S, PAUSE_MAX_S);
	if (pause_check_reason(reason, err) < 0)
		return -EINVAL;
	*out = (struct pause_request){ .end = end, .for_us = for_s * US_PER_S };
	snprintf(out->reason, sizeof(out->reason), "%s", reason);
	return 0;
}

/* Under the lock. Returns the number of the request. */
static json_int_t put_down(struct pause_desk *desk,
			   const struct pause_request *wish, struct err *err)
{
	if (!desk->open)
		return err_set(err, -EAGAIN,
			       "it is still starting, and has nothing in force "
			       "that could be paused; what an earlier netpold "
			       "has left `netpold clean` takes down, once this "
			       "one is stopped");
	if (!desk->replied)
		return err_set(err, -EBUSY,
			       "somebody else's request is not answered yet: "
			       "try again");
	desk->request = *wish;
	desk->taken = desk->replied = false;
	return ++desk->number;
}

static json_t *hand_in(struct pause_desk *desk,
		       const struct pause_request *wish, struct err *err)
{
	const uint64_t one = 1;
	json_int_t number;

	pthread_mutex_lock(&desk->lock);
	number = put_down(desk, wish, err);
	pthread_mutex_unlock(&desk->lock);
	if (number < 0)
		return NULL;
	if (write(desk->event, &one, sizeof(one)) < 0) {
		/* cannot happen: the last one was read before its reply */
		err_set(err, -errno, "cannot hand in a request");
		return NULL;
	}
	return json_pack("{s{sI}}", "pause", "number", number);
}

static json_t *tell(struct pause_desk *desk, json_int_t number, struct err *err)
{
	struct err reply;
	bool known, replied;

	pthread_mutex_lock(&desk->lock);
	known = number == desk->number && number > 0;
	replied = desk->replied;
	reply = desk->reply;
	pthread_mutex_unlock(&desk->lock);
	if (!known) {
		err_set(err, -ENOENT, "another pause has been asked for since");
		return NULL;
	}
	if (!replied)
		return json_pack("{s{sI}}", "pause", "number", number);
	if (reply.code < 0) {
		*err = reply;
		return NULL;
	}
	return json_pack("{s{sI ss}}", "pause", "number", number, "said",
			 reply.message);
}

json_t *pause_desk_answer(struct pause_desk *desk, const json_t *request,
			  struct err *err)
{
	json_t *wish = json_object_get(request, "pause");
	const json_t *number = json_object_get(wish, "number");
	struct pause_request parsed;

	if (json_is_integer(number))
		return tell(desk, json_integer_value(number), err);
	if (parse(wish, &parsed, err) < 0)
		return NULL;
	return hand_in(desk, &parsed, err);
}
