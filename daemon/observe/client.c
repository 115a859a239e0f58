/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A line and its end. */
#define IN_SIZE (CLIENT_LINE_MAX + 1)

int client_open(struct client *client, int fd)
{
	char *in = malloc(IN_SIZE);

	if (!in)
		return -ENOMEM;
	*client = (struct client){ .fd = fd, .in = in };
	return 0;
}

void client_close(struct client *client)
{
	if (client->fd < 0)
		return;
	close(client->fd);
	free(client->in);
	free(client->out);
	*client = (struct client){ .fd = -1 };
}

int client_pass_on(struct client *client)
{
	int fd = client->fd;

	free(client->in);
	free(client->out);
	*client = (struct client){ .fd = -1 };
	return fd;
}

static bool is_transient(int code)
{
	return code == EAGAIN || code == EINTR;
}

int client_read(struct client *client)
{
	ssize_t n;

	/* A full buffer has a line, or one that is too long. */
	if (client->ended || client->in_len == IN_SIZE)
		return 0;
	n = recv(client->fd, client->in + client->in_len,
		 IN_SIZE - client->in_len, MSG_DONTWAIT);
	if (n < 0)
		return is_transient(errno) ? 0 : -errno;
	client->in_len += (size_t)n;
	client->ended = n == 0;
	return 0;
}

enum client_line client_line(const struct client *client, const char **line,
			     size_t *len)
{
	const char *end;

	if (client->out || client->in_len == 0)
		return CLIENT_NO_LINE;
	end = memchr(client->in, '\n', client->in_len);
	if (!end && client->in_len == IN_SIZE)
		return CLIENT_LINE_TOO_LONG;
	if (!end && !client->ended)
		return CLIENT_NO_LINE;
	*line = client->in;
	*len = end ? (size_t)(end - client->in) : client->in_len;
	return CLIENT_LINE;
}

static void take_line(struct client *client)
{
	const char *line;
	size_t len = 0;

	if (client_line(client, &line, &len) == CLIENT_LINE_TOO_LONG) {
		client->in_len = 0;
		client->ended = true;
		return;
	}
	if (len < client->in_len)
		len++; /* its end */
	client->in_len -= len;
	memmove(client->in, client->in + len, client->in_len);
}

void client_answer(struct client *client, char *answer, size_t len)
{
	take_line(client);
	client->out = answer;
	client->out_len = len;
	client->out_sent = 0;
}

int client_write(struct client *client)
{
	ssize_t n;

	if (!client->out)
		return 0;
	n = send(client->fd, client->out + client->out_sent,
		 client->out_len - client->out_sent,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return is_transient(errno) ? 0 : -errno;
	client->out_sent += (size_t)n;
	if (client->out_sent == client->out_len) {
		free(client->out);
		client->out = NULL;
	}
	return 0;
}

bool client_is_done(const struct client *client)
{
	return client->ended && !client->out && client->in_len == 0;
}

short client_events(const struct client *client)
{
	if (client->out)
		return POLLOUT;
	return client->ended ? 0 : POLLIN;
}
