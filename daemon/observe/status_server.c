/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/status_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "confine.h"
#include "fault.h"
#include "observe/client.h"
#include "observe/status_socket.h"

/* How long to let nobody in where the system is short of descriptors or
   memory: trying again at once would fail at once. */
#define PAUSE_MS 1000

/* How long those who are in may take until another process serves the rest. */
#define LEAVE_MS 200

struct place {
	struct client client;
	bool pass_on;	     /* once the answer is out */
	int64_t deadline_us; /* for the line or answer that is due */
	/* Its answer is kept back until then; 0: there is none. */
	int64_t kept_until_us;
	bool stirred; /* look for another answer */
};

struct status_server {
	/* set before the thread starts */
	struct status_server_options options;
	struct status_socket socket;
	int stop_fd; /* readable: the thread is to end */
	int stir_fd; /* readable: something has happened */
	pthread_t thread;
	/* How many answers are kept back. The thread counts one before it looks
	   whether it is the right one by now; who stirs has made what happened
	   be seen before that looks here. So one of them sees the other. */
	atomic_uint n_kept;
	/* written before stop_fd is */
	atomic_bool leaving; /* those who are in are served to their end */
	/* owned by the thread */
	struct place places[STATUS_SERVER_CLIENTS];
	int64_t paused_until_us;
	int64_t leave_at_us; /* latest; 0: not leaving */
};

/* ---- one client --------------------------------------------------------- */

static bool is_kept(const struct place *place)
{
	return place->kept_until_us != 0;
}

/* Whether there is something to answer now. */
static bool is_due(const struct place *place)
{
	const char *line;
	size_t len;

	if (place->client.fd < 0 ||
	    client_line(&place->client, &line, &len) == CLIENT_NO_LINE)
		return false;
	return !is_kept(place) || place->stirred ||
	       clock_us() >= place->kept_until_us;
}

static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void renew_deadline(struct status_server *server, struct place *place)
{
	place->deadline_us = clock_us() + server->options.patience_ms * 1000;
}

static void keep(struct status_server *server, struct place *place, int keep_ms)
{
	place->kept_until_us = clock_us() + keep_ms * INT64_C(1000);
	place->stirred = true; /* something may just have happened */
	place->deadline_us = INT64_MAX;
	atomic_fetch_add(&server->n_kept, 1);
}

static void keep_no_more(struct status_server *server, struct place *place)
{
	if (!is_kept(place))
		return;
	place->kept_until_us = 0;
	atomic_fetch_sub(&server->n_kept, 1);
	renew_deadline(server, place);
}

/* Whether an answer is to wait for a better one. */
static bool keeps(struct status_server *server, struct place *place,
		  int keep_ms)
{
	if (keep_ms <= 0 || server->leave_at_us)
		return false;
	if (is_kept(place))
		return clock_us() < place->kept_until_us;
	if (atomic_load(&server->n_kept) >= STATUS_SERVER_KEPT)
		return false;
	keep(server, place, keep_ms);
	return true;
}

/* What steers is for few, whatever the socket's mode says. NULL without memory,
   and where the answer is kept back. */
static char *answer_request(struct status_server *server, struct place *place,
			    const char *line, size_t len, size_t *out_len)
{
	struct request_next next;
	char *answer = request_answer(&server->options.requests, line, len,
				      out_len, &next);

	if (answer && keeps(server, place, next.keep_ms)) {
		free(answer);
		return NULL;
	}
	keep_no_more(server, place);
	place->pass_on = next.pass_on;
	if (!place->pass_on || is_trusted(place->client.fd))
		return answer;
	place->pass_on = false;
	free(answer);
	return request_refuse("only root may ask for this", out_len);
}

/* One answer at a time, so that nobody who sends many requests at once keeps
   the others waiting. */
static int answer_line(struct status_server *server, struct place *place)
{
	struct client *client = &place->client;
	char *answer = NULL;
	const char *line;
	size_t len = 0;

	place->stirred = false;
	switch (client_line(client, &line, &len)) {
	case CLIENT_NO_LINE:
		return 0;
	case CLIENT_LINE:
		answer = answer_request(server, place, line, len, &len);
		break;
	case CLIENT_LINE_TOO_LONG:
		answer = request_refuse("the line is too long", &len);
		break;
	}
	if (!answer && is_kept(place))
		return 0;
	if (!answer)
		return -ENOMEM;
	client_answer(client, answer, len);
	return 1;
}

/* False when the conversation is over. Single bytes, of a line or of an answer,
   win no time: only a whole line does, and an answer that is taken. */
static bool converse(struct status_server *server, struct place *place)
{
	struct client *client = &place->client;
	bool was_answering = client->out;
	int answered;

	if (!was_answering && !is_kept(place) && client_read(client) < 0)
		return false;
	answered = answer_line(server, place);
	if (answered < 0 || client_write(client) < 0)
		return false;
	if (place->pass_on && !client->out) {
		server->options.take(server->options.requests.ctx,
				     client_pass_on(client));
		return true;
	}
	if (answered || (was_answering && !client->out))
		renew_deadline(server, place);
	return !client_is_done(client);
}

/* @events  what has come of poll(2) */
static void serve_client(struct status_server *server, struct place *place,
			 short events)
{
	struct client *client = &place->client;
	bool goes_on = true;

	if (client->fd < 0)
		return;
	if (is_kept(place) && events)
		goes_on = false; /* it has hung up */
	else if (events || is_due(place))
		goes_on = converse(server, place);
	if (goes_on && clock_us() < place->deadline_us)
		return;
	keep_no_more(server, place);
	client_close(client); /* if it still is one */
}

/* ---- all of them -------------------------------------------------------- */

static struct place *free_place(struct status_server *server)
{
	for (size_t i = 0; i < STATUS_SERVER_CLIENTS; i++) {
		if (server->places[i].client.fd < 0)
			return &server->places[i];
	}
	return NULL;
}

static void let_in(struct status_server *server)
{
	struct place *place = free_place(server);
	int fd;

	if (!place)
		return;
	fd = accept4(server->socket.fd, NULL, NULL,
		     SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0 && client_open(&place->client, fd) == 0) {
		place->pass_on = place->stirred = false;
		renew_deadline(server, place);
		return;
	}
	if (fd >= 0)
		close(fd);
	else if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	server->paused_until_us = clock_us() + PAUSE_MS * 1000;
}

/* Until when nothing has to be done that nobody wakes us for; -1: for ever. */
static int timeout_ms(const struct status_server *server, bool paused)
{
	int64_t until_us = paused ? server->paused_until_us : INT64_MAX;
	int64_t left_us;

	if (server->leave_at_us && server->leave_at_us < until_us)
		until_us = server->leave_at_us;

	for (size_t i = 0; i < STATUS_SERVER_CLIENTS; i++) {
		const struct place *place = &server->places[i];

		if (is_due(place))
			return 0;
		if (place->client.fd >= 0 && place->deadline_us < until_us)
			until_us = place->deadline_us;
		if (is_kept(place) && place->kept_until_us < until_us)
			until_us = place->kept_until_us;
	}
	if (until_us == INT64_MAX)
		return -1;
	left_us = until_us - clock_us();
	return left_us < 0 ? 0 : (int)(left_us / 1000) + 1;
}

/* What to wait for: to stop, who wants in, that something happens, each client;
   of one whose answer is kept back, that it hangs up. poll(2) passes over
   descriptors below zero, but takes no longer a list than a process may have
   descriptors.

   Returns how long the list is. */
#define FIRST_CLIENT 3
#define N_FDS (FIRST_CLIENT + STATUS_SERVER_CLIENTS)

static nfds_t list_fds(struct status_server *server, bool paused,
		       struct pollfd fds[N_FDS])
{
	bool open = !paused && free_place(server) && !server->leave_at_us;
	nfds_t n = FIRST_CLIENT;

	fds[0] = (struct pollfd){ .fd = server->leave_at_us ? -1
							    : server->stop_fd,
				  .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = open ? server->socket.fd : -1,
				  .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = server->stir_fd, .events = POLLIN };
	for (size_t i = 0; i < STATUS_SERVER_CLIENTS; i++) {
		const struct place *place = &server->places[i];
		struct pollfd *fd = &fds[FIRST_CLIENT + i];

		*fd = (struct pollfd){ .fd = place->client.fd };
		if (fd->fd < 0)
			continue;
		fd->events = is_kept(place) ? 0 : client_events(&place->client);
		n = FIRST_CLIENT + i + 1;
	}
	return n;
}

static bool is_empty(const struct status_server *server)
{
	for (size_t i = 0; i < STATUS_SERVER_CLIENTS; i++) {
		if (server->places[i].client.fd >= 0)
			return false;
	}
	return true;
}

static bool has_left(const struct status_server *server)
{
	return server->leave_at_us && is_empty(server);
}

/* Who was let in last may be about to ask, until then. */
static bool is_last_round(const struct status_server *server)
{
	return server->leave_at_us && clock_us() >= server->leave_at_us;
}

static void stir_all(struct status_server *server)
{
	for (size_t i = 0; i < STATUS_SERVER_CLIENTS; i++)
		server->places[i].stirred = true;
}

static void take_stir(struct status_server *server)
{
	uint64_t n;

	if (read(server->stir_fd, &n, sizeof(n)) == sizeof(n))
		stir_all(server);
}

static void *serve(void *ctx)
{
	struct status_server *server = ctx;
	struct pollfd fds[N_FDS];
	bool is_last = false;

	confine_thread(CONFINE_READER);
	fault_breach("status");
	while (!is_last && !has_left(server)) {
		bool paused = clock_us() < server->paused_until_us;
		nfds_t n = list_fds(server, paused, fds);

		/* A line that has come by then is answered, however late that
		   is; a long answer may be cut. */
		is_last = is_last_round(server);
		if (poll(fds, n, timeout_ms(server, paused)) < 0)
			continue;
		if (fds[0].revents && !server->leaving)
			return NULL;
		if (fds[0].revents) {
			server->leave_at_us = clock_us() + LEAVE_MS * 1000;
			stir_all(server);
		}
		if (fds[2].revents)
			take_stir(server);
		for (size_t i = 0; i < STATUS_SERVER_CLIENTS; i++)
			serve_client(server, &server->places[i],
				     fds[FIRST_CLIENT + i].revents);
		if (fds[1].revents)
			let_in(server);
	}
	return NULL;
}

/* ---- start and stop ----------------------------------------------------- */

static void release(struct status_server **server)
{
	struct status_server *s = *server;

	if (!s)
		return;
	for (size_t i = 0; i < STATUS_SERVER_CLIENTS; i++)
		client_close(&s->places[i].client);
	status_socket_close(&s->socket);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	if (s->stir_fd >= 0)
		close(s->stir_fd);
	free(s);
}

static int open_socket(struct status_server *server, struct err *err)
{
	const struct status_server_options *options = &server->options;

	return options->inherited
		       ? status_socket_adopt(options->path, *options->inherited,
					     &server->socket, err)
		       : status_socket_open(options->path, &server->socket,
					    err);
}

int status_server_start(const struct status_server_options *options,
			struct status_server **out, struct err *err)
{
	CLEANUP(release) struct status_server *server = NULL;
	int r;

	server = calloc(1, sizeof(*server));
	if (!server)
		return err_set(err, -ENOMEM, "no memory for the observer");
	server->options = *options;
	server->socket.fd = -1;
	for (size_t i = 0; i < STATUS_SERVER_CLIENTS; i++)
		server->places[i].client.fd = -1;
	server->stop_fd = eventfd(0, EFD_CLOEXEC);
	server->stir_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->stop_fd < 0 || server->stir_fd < 0)
		return err_set(err, -errno, "cannot start the observer: %s",
			       strerror(errno));
	r = open_socket(server, err);
	if (r < 0)
		return r;
	r = pthread_create(&server->thread, NULL, serve, server);
	if (r) {
		if (options->inherited)
			server->socket.fd = -1; /* it stays the caller's */
		return err_set(err, -r, "cannot start the observer: %s",
			       strerror(r));
	}
	pthread_setname_np(server->thread, "observer");
	*out = server;
	server = NULL;
	return 0;
}

static void end_thread(struct status_server *server)
{
	uint64_t one = 1;

	if (write(server->stop_fd, &one, sizeof(one)) < 0)
		return; /* cannot happen: the counter is at zero */
	pthread_join(server->thread, NULL);
}

void status_server_stir(struct status_server *server)
{
	const uint64_t one = 1;

	if (atomic_load(&server->n_kept) == 0)
		return;
	if (write(server->stir_fd, &one, sizeof(one)) < 0)
		return; /* cannot happen: nobody stirs 2^64 times unread */
}

void status_server_stop(struct status_server *server)
{
	if (!server)
		return;
	end_thread(server);
	release(&server);
}

void status_server_leave(struct status_server *server)
{
	server->leaving = true;
	end_thread(server);
	status_socket_leave(&server->socket);
	release(&server);
}

int status_server_fd(const struct status_server *server)
{
	return server->socket.fd;
}
