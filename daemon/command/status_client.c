/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/status_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "observe/request.h"
#include "observe/status_socket.h"

/* Far beyond what a daemon has to say. */
#define ANSWER_MAX (16u << 20)
#define FIRST_SIZE 65536

static int explain(int code, const char *path, struct err *err)
{
	switch (-code) {
	case ENOENT:
	case ECONNREFUSED:
		return err_set(err, code,
			       "no netpold answers at '%s': it does not run "
			       "on this node, or has another --status-socket",
			       path);
	case EACCES:
	case EPERM:
		return err_set(err, code,
			       "the netpold at '%s' may not be asked by this "
			       "user: run this as root",
			       path);
	case EPIPE:
	case ECONNRESET:
		return err_set(err, code,
			       "the netpold at '%s' has hung up; perhaps it "
			       "stops just now",
			       path);
	case EAGAIN:
	case ETIMEDOUT:
		return err_set(err, -ETIMEDOUT,
			       "the netpold at '%s' has not answered within "
			       "%d s",
			       path, STATUS_CLIENT_PATIENCE_S);
	}
	return err_set(err, code, "cannot ask the netpold at '%s': %s", path,
		       strerror(-code));
}

/* Where many want in, connect(2) waits as long as a send may. */
static int connect_in_time(const struct sockaddr_un *address)
{
	const struct timeval patience = { .tv_sec = STATUS_CLIENT_PATIENCE_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		       sizeof(patience)) == 0 &&
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
		    0)
		return fd;
	code = -errno;
	close(fd);
	return code;
}

const char *status_client_default_path(void)
{
	const char *path = getenv("NETPOLD_STATUS_SOCKET");

	return path && *path ? path : STATUS_SOCKET_PATH;
}

int status_client_open(const char *path, struct status_client *client,
		       struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	*client = (struct status_client){ .fd = -1, .path = path };
	client->deadline_us =
		clock_us() + STATUS_CLIENT_PATIENCE_S * INT64_C(1000000);
	if (strlen(path) >= sizeof(address.sun_path))
		return explain(-ENAMETOOLONG, path, err);
	strcpy(address.sun_path, path);
	fd = connect_in_time(&address);
	if (fd < 0)
		return explain(fd, path, err);
	client->fd = fd;
	return 0;
}

void status_client_close(struct status_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->in);
	*client = (struct status_client){ .fd = -1 };
}

/* ---- one question ------------------------------------------------------- */

/* A question is shorter than any socket's buffer. */
static int send_question(struct status_client *client, const json_t *question)
{
	char *text = json_dumps(question, JSON_COMPACT);
	char *line = NULL;
	int len = text ? asprintf(&line, "%s\n", text) : -1;
	ssize_t n = -1;
	int code = -ENOMEM;

	if (len >= 0) {
		n = send(client->fd, line, (size_t)len, MSG_NOSIGNAL);
		code = n < 0 ? -errno : -ETIMEDOUT;
		free(line);
	}
	free(text);
	return n >= 0 && n == len ? 0 : code;
}

static int wait_for_more(struct status_client *client)
{
	struct pollfd fd = { .fd = client->fd, .events = POLLIN };
	int64_t left_us = client->deadline_us - clock_us();
	int r = left_us > 0 ? poll(&fd, 1, (int)(left_us / 1000) + 1) : 0;

	if (r < 0 && errno != EINTR)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int make_room(struct status_client *client)
{
	size_t size = client->in_size ? 2 * client->in_size : FIRST_SIZE;
	char *grown;

	if (client->in_len < client->in_size)
		return 0;
	if (size > ANSWER_MAX)
		return -EMSGSIZE;
	grown = realloc(client->in, size);
	if (!grown)
		return -ENOMEM;
	client->in = grown;
	client->in_size = size;
	return 0;
}

static int read_more(struct status_client *client)
{
	int r = make_room(client);
	ssize_t n;

	if (r < 0)
		return r;
	n = recv(client->fd, client->in + client->in_len,
		 client->in_size - client->in_len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	client->in_len += (size_t)n;
	return 0;
}

/* One question is under way at a time, so that nothing follows its answer. */
static int read_answer(struct status_client *client)
{
	client->in_len = 0;
	for (;;) {
		int r = wait_for_more(client);

		if (r == 0)
			r = read_more(client);
		if (r < 0)
			return r;
		if (client->in_len > 0 &&
		    client->in[client->in_len - 1] == '\n')
			return 0;
	}
}

static int take_apart(const json_t *answer, const char *path, const char *name,
		      json_t **out, struct err *err)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	json_int_t version =
		json_integer_value(json_object_get(answer, "version"));
	json_t *wanted = json_object_get(answer, name);

	if (version != REQUEST_VERSION)
		return err_set(err, -EPROTO,
			       "what answers at '%s' is no netpold of this "
			       "version",
			       path);
	if (error)
		return err_set(err, -EPROTO, "the netpold at '%s' says: %s",
			       path, error);
	if (!wanted)
		return err_set(err, -EPROTO,
			       "the netpold at '%s' does not tell its %s", path,
			       name);
	*out = json_incref(wanted);
	return 0;
}

int status_client_ask(struct status_client *client, const json_t *question,
		      const char *name, json_t **out, struct err *err)
{
	json_t *answer;
	int r;

	r = send_question(client, question);
	if (r == 0)
		r = read_answer(client);
	if (r < 0)
		return explain(r, client->path, err);
	answer = json_loadb(client->in, client->in_len, 0, NULL);
	r = take_apart(answer, client->path, name, out, err);
	json_decref(answer);
	return r;
}

int status_client_get(struct status_client *client, const char *name,
		      json_t **out, struct err *err)
{
	json_t *question = json_pack("{ss}", "get", name);
	int r = status_client_ask(client, question, name, out, err);

	json_decref(question);
	return r;
}
