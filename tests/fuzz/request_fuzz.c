/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes come in over a status socket, in pieces as long as the first byte says.
 * Every line gets one answer, which is one line of JSON with a version; the
 * lines are found the slow way. What is said of a pause is in bounds.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "observe/client.h"
#include "observe/pause_desk.h"
#include "observe/request.h"

static json_t *answer_get(void *ctx, const json_t *request, struct err *err)
{
	(void)ctx;
	(void)err;
	return json_pack("{sO}", "got", json_object_get(request, "get"));
}

/* Nobody takes what is handed in, but what was asked for is in bounds. */
static struct pause_desk *desk;

static json_t *answer_pause(void *ctx, const json_t *request, struct err *err)
{
	struct pause_request wish;
	json_t *answer;

	(void)ctx;
	if (!desk && pause_desk_new(&desk, NULL) < 0)
		abort();
	pause_desk_begin(desk);
	answer = pause_desk_answer(desk, request, err);
	if (!answer && !*err->message)
		abort();
	if (pause_desk_take(desk, &wish)) {
		if (!wish.end && (wish.for_us < PAUSE_MIN_S ||
				  wish.for_us > PAUSE_MAX_S * INT64_C(1000000)))
			abort();
		pause_desk_reply(desk, 0, "done");
	}
	return answer;
}

static const struct request_handler handlers[] = {
	{ .verb = "get", .answer = answer_get },
	{ .verb = "pause", .answer = answer_pause },
};
static const struct request_table table = { .handlers = handlers,
					    .n_handlers = 2,
					    .passed_on = "get" };

static size_t count_lines(const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += data[i] == '\n' || i + 1 == size;
	return n;
}

static void check_answer(const char *answer, size_t len)
{
	json_t *json;

	if (!answer || strlen(answer) != len ||
	    strchr(answer, '\n') != answer + len - 1)
		abort();
	json = json_loads(answer, 0, NULL);
	if (json_integer_value(json_object_get(json, "version")) !=
	    REQUEST_VERSION)
		abort();
	json_decref(json);
}

/* Returns how many lines were answered. */
static size_t answer_all(struct client *client, int far)
{
	const char *line;
	char heard[4096];
	size_t len, n = 0;

	while (client_line(client, &line, &len) == CLIENT_LINE) {
		struct request_next next;
		char *answer = request_answer(&table, line, len, &len, &next);

		check_answer(answer, len);
		client_answer(client, answer, len);
		while (client->out) {
			if (client_write(client) < 0)
				abort();
			while (recv(far, heard, sizeof(heard), MSG_DONTWAIT) >
			       0)
				;
		}
		n++;
	}
	return n;
}

static size_t converse(struct client *client, int far, const uint8_t *data,
		       size_t size, size_t piece)
{
	size_t n = 0;

	while (size > 0) {
		size_t some = size < piece ? size : piece;

		if (send(far, data, some, 0) != (ssize_t)some ||
		    client_read(client) < 0)
			abort();
		n += answer_all(client, far);
		data += some;
		size -= some;
	}
	shutdown(far, SHUT_WR);
	if (client_read(client) < 0)
		abort();
	n += answer_all(client, far);
	if (!client_is_done(client))
		abort();
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client client;
	int fds[2];

	if (size < 1 || size > CLIENT_LINE_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return 0;
	if (client_open(&client, fds[0]) < 0)
		abort();
	if (converse(&client, fds[1], data + 1, size - 1,
		     data[0] ? data[0] : 1) != count_lines(data + 1, size - 1))
		abort();
	client_close(&client);
	close(fds[1]);
	return 0;
}
