/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "descriptors.h"

void wire_open(struct wire *wire, int fd)
{
	wire->fd = fd;
	wire->in_len = wire->n_fds = 0;
}

void wire_close(struct wire *wire)
{
	for (size_t i = 0; i < wire->n_fds; i++) {
		if (wire->fds[i] >= 0)
			close(wire->fds[i]);
	}
	if (wire->fd >= 0)
		close(wire->fd);
	wire_open(wire, -1);
}

static int wait_for(int fd, short events, int64_t until_us)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int64_t left_us = until_us - clock_us();
	int r = left_us > 0 ? poll(&poll_fd, 1, (int)(left_us / 1000) + 1) : 0;

	if (r < 0 && errno != EINTR)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int64_t deadline_us(int patience_ms)
{
	return clock_us() + patience_ms * INT64_C(1000);
}

static bool is_transient(ssize_t code)
{
	return code == -EAGAIN || code == -EINTR;
}

/* ---- out ---------------------------------------------------------------- */

static int send_all(struct wire *wire, const char *text, size_t len,
		    const int *fds, size_t n, int64_t until_us)
{
	while (len > 0) {
		ssize_t sent = descriptors_send(wire->fd, text, len, fds, n);

		if (sent > 0) {
			text += sent;
			len -= (size_t)sent;
			n = 0;
			continue;
		}
		if (!is_transient(sent))
			return (int)sent;
		if (wait_for(wire->fd, POLLOUT, until_us) < 0)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Blanks, which mean nothing in front of an object, carry the descriptors. */
static int send_fds(struct wire *wire, const int *fds, size_t n,
		    int64_t until_us)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i += DESCRIPTORS_MAX)
		r = send_all(wire, " ", 1, fds + i,
			     n - i < DESCRIPTORS_MAX ? n - i : DESCRIPTORS_MAX,
			     until_us);
	return r;
}

static int send_object(struct wire *wire, const json_t *object,
		       int64_t until_us)
{
	char *text = json_dumps(object, JSON_COMPACT);
	int r = -ENOMEM;

	if (text)
		r = send_all(wire, text, strlen(text), NULL, 0, until_us);
	if (r == 0)
		r = send_all(wire, "\n", 1, NULL, 0, until_us);
	free(text);
	return r;
}

int wire_say_object(struct wire *wire, const json_t *object, int patience_ms)
{
	return send_object(wire, object, deadline_us(patience_ms));
}

int wire_say(struct wire *wire, const char *word, const int *fds, size_t n,
	     int patience_ms)
{
	const int64_t until_us = deadline_us(patience_ms);
	json_t *object = json_pack("{ss}", "hand-over", word);
	int r = send_fds(wire, fds, n, until_us);

	if (r == 0)
		r = send_object(wire, object, until_us);
	json_decref(object);
	return r;
}

void wire_refuse(struct wire *wire, const char *why)
{
	json_t *object = json_pack("{ss}", "error", why);

	send_object(wire, object, clock_us());
	json_decref(object);
}

/* ---- in ----------------------------------------------------------------- */

/* Who sends more descriptors than there are sends nothing that can be used. */
static int receive(struct wire *wire)
{
	size_t room = WIRE_FDS_MAX - wire->n_fds;
	int fds[DESCRIPTORS_MAX];
	ssize_t n;

	if (wire->in_len == sizeof(wire->in))
		return -EPROTO;
	n = descriptors_receive(wire->fd, wire->in + wire->in_len,
				sizeof(wire->in) - wire->in_len, fds,
				DESCRIPTORS_MAX);
	for (size_t i = 0; n >= 0 && i < DESCRIPTORS_MAX && fds[i] >= 0; i++) {
		if (i < room)
			wire->fds[wire->n_fds++] = fds[i];
		else
			close(fds[i]);
	}
	if (n > 0)
		wire->in_len += (size_t)n;
	if (n == 0 || n == -ECONNRESET)
		return -EPIPE;
	return n < 0 && !is_transient(n) ? (int)n : 0;
}

/* A line, taken out of what has come; NULL where there is none yet. */
static json_t *take_line(struct wire *wire, bool *came)
{
	char *end = memchr(wire->in, '\n', wire->in_len);
	size_t len = end ? (size_t)(end - wire->in) : 0;
	json_t *object;

	*came = end != NULL;
	if (!end)
		return NULL;
	object = json_loadb(wire->in, len, 0, NULL);
	wire->in_len -= len + 1;
	memmove(wire->in, end + 1, wire->in_len);
	return object;
}

/* To be looked at: a line, or one that is too long. */
static bool has_something(const struct wire *wire)
{
	return wire->in_len == sizeof(wire->in) ||
	       memchr(wire->in, '\n', wire->in_len);
}

static int hear(struct wire *wire, json_t **out, int64_t until_us)
{
	bool came;
	int r = 0;

	/* What has come already counts, however late it is looked at. */
	for (;;) {
		*out = take_line(wire, &came);
		if (came)
			return 0;
		if (r < 0)
			return r;
		r = receive(wire);
		if (r == 0 && !has_something(wire))
			r = wait_for(wire->fd, POLLIN, until_us);
	}
}

static int check(const json_t *object, const char *word, struct err *err)
{
	const char *error = json_string_value(json_object_get(object, "error"));
	const char *said =
		json_string_value(json_object_get(object, "hand-over"));

	if (error)
		return err_set(err, -ECANCELED, "%s", error);
	if (!said || strcmp(said, word) != 0)
		return err_set(err, -EPROTO,
			       "the other netpold does not say '%s' when it "
			       "should",
			       word);
	return 0;
}

int wire_await(struct wire *wire, const char *word, int patience_ms,
	       struct err *err)
{
	json_t *object;
	int r = hear(wire, &object, deadline_us(patience_ms));

	if (r == -EPIPE)
		return err_set(err, r, "the other netpold has ended");
	if (r == -ETIMEDOUT)
		return err_set(err, r,
			       "the other netpold has not answered within "
			       "%d s",
			       patience_ms / 1000);
	if (r < 0)
		return err_set(err, r, "cannot hear the other netpold: %s",
			       strerror(-r));
	r = check(object, word, err);
	json_decref(object);
	return r;
}
