/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In a network namespace of its own, so that the port is free. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "daemon/netns.h"
#include "observe/web_address.h"
#include "observe/web_server.h"

#define PORT 9500

/* Until something that has to happen counts as not happening. */
#define GIVE_UP_MS 10000

#define PATIENT_MS 60000
#define IMPATIENT_MS 300

#define HOST "Host: a\r\n"

static struct web_server *server;
static struct web_address address;

/* What the steady clock says is so much later than it is. */
static _Atomic int64_t ahead_s;

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int r = __real_clock_gettime(clock, out);

	if (clock == CLOCK_MONOTONIC)
		out->tv_sec += (time_t)atomic_load(&ahead_s);
	return r;
}

/* "/long" is more than two ends of a connection keep on the way; else the page
   says its path. */
#define LONG_LEN (32 << 20)

static void get(void *ctx, const struct web_request *request,
		struct web_page *out)
{
	const char *path = request->path;
	bool is_long = strcmp(path, "/long") == 0;

	(void)ctx;
	if (strcmp(path, "/who") == 0 && request->authorization)
		path = request->authorization;
	if (strcmp(path, "/who") == 0)
		out->authenticate = "Bearer realm=\"a\"";
	out->status = strcmp(path, "/none") == 0 ? 404 : 200;
	out->content_type = "text/plain";
	out->len = is_long ? LONG_LEN : strlen(path);
	out->body = malloc(out->len + 1);
	if (is_long)
		memset(out->body, 'x', LONG_LEN);
	else
		memcpy(out->body, path, out->len);
}

static int try_to_start(int64_t patience_ms, bool is_patient, struct err *err)
{
	const struct web_server_options options = {
		.address = &address,
		.what = "tests are",
		.is_patient = is_patient,
		.patience_ms = patience_ms,
		.get = get,
	};

	return web_server_start(&options, &server, err);
}

static void start(int64_t patience_ms)
{
	struct err err;

	if (try_to_start(patience_ms, false, &err) < 0)
		fail_msg("%s", err.message);
}

static int leave(void **state)
{
	(void)state;
	web_server_stop(server);
	server = NULL;
	return 0;
}

static int enter(void **state)
{
	struct err err;

	(void)state;
	return web_address_parse("127.0.0.1:9500", &address, &err);
}

/* ---- a client ----------------------------------------------------------- */

static int connect_to(int *fd)
{
	const struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(PORT),
	};

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	return connect(*fd, (const struct sockaddr *)&in, sizeof(in));
}

static int begin(void)
{
	int fd;

	assert_int_equal(0, connect_to(&fd));
	return fd;
}

static void say(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* the other end has had enough */
		text += n;
		len -= (size_t)n;
	}
}

/* All that comes until the end; cut at @size. True where there was an end. */
static bool hear(int fd, char *out, size_t size)
{
	int64_t until_us = clock_us() + GIVE_UP_MS * 1000;
	size_t len = 0;

	for (;;) {
		struct pollfd in = { .fd = fd, .events = POLLIN };
		char some[4096];
		ssize_t n;

		if (clock_us() > until_us || poll(&in, 1, GIVE_UP_MS) <= 0)
			return false;
		n = recv(fd, some, sizeof(some), 0);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n && len < size - 1; i++)
			out[len++] = some[i];
	}
	out[len] = '\0';
	return true;
}

/* The first words of the answer, and its last. */
static void ask(const char *request, size_t len, char *out, size_t size)
{
	int fd = begin();

	say(fd, request, len);
	assert_true(hear(fd, out, size));
	close(fd);
}

/* ---- requests ----------------------------------------------------------- */

static const struct {
	const char *name, *request, *begins, *ends;
} requests[] = {
	{ "GET is answered", "GET /a HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 ",
	  "\r\n\r\n/a" },
	{ "HEAD is answered without a body", "HEAD /a HTTP/1.1\r\n" HOST "\r\n",
	  "HTTP/1.1 200 ", "\r\n\r\n" },
	{ "what follows a question mark is none of the path",
	  "GET /a?b=/c HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 ",
	  "\r\n\r\n/a" },
	{ "HTTP/1.0 is answered", "GET /a HTTP/1.0\r\n\r\n", "HTTP/1.", "/a" },
	{ "the page says what the status is",
	  "GET /none HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 ", "/none" },
	{ "who asks says who he is",
	  "GET /who HTTP/1.1\r\n" HOST "authorization: Bearer abc\r\n\r\n",
	  "HTTP/1.1 200 ", "\r\n\r\nBearer abc" },
	{ "POST is refused",
	  "POST /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx",
	  "HTTP/1.1 405 ", "expected GET or HEAD\n" },
	{ "DELETE is refused", "DELETE /a HTTP/1.1\r\n" HOST "\r\n",
	  "HTTP/1.1 405 ", "expected GET or HEAD\n" },
	{ "a method of one's own is refused",
	  "BREW /a HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 ",
	  "expected GET or HEAD\n" },
};

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void a_request_is_answered_and_the_connection_over(void **state)
{
	(void)state;
	start(PATIENT_MS);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		char answer[1024];

		ask(requests[i].request, strlen(requests[i].request), answer,
		    sizeof(answer));
		if (strncmp(answer, requests[i].begins,
			    strlen(requests[i].begins)) != 0 ||
		    !ends_in(answer, requests[i].ends))
			fail_msg("%s: got '%s'", requests[i].name, answer);
	}
}

static void a_page_can_ask_who_it_is(void **state)
{
	static const char request[] = "GET /who HTTP/1.1\r\n" HOST "\r\n";
	char answer[1024];

	(void)state;
	start(PATIENT_MS);
	ask(request, strlen(request), answer, sizeof(answer));
	assert_non_null(
		strstr(answer, "\r\nWWW-Authenticate: Bearer realm=\"a\"\r\n"));
}

/* ---- hostile ones ------------------------------------------------------- */

static bool is_answered(void)
{
	char answer[1024];

	ask(requests[0].request, strlen(requests[0].request), answer,
	    sizeof(answer));
	return strstr(answer, "HTTP/1.1 200 ");
}

static void expect_good(void)
{
	assert_true(is_answered());
}

/* The end of a connection is heard a moment before its place is free. */
static void expect_good_soon(void)
{
	int64_t until_us = clock_us() + GIVE_UP_MS * 1000;

	while (!is_answered()) {
		assert_true(clock_us() < until_us);
		poll(NULL, 0, 1);
	}
}

/* @before, a lot of the same, @after. */
static void ask_at_length(const char *before, const char *repeated,
			  size_t times, const char *after, char *out,
			  size_t size)
{
	char *request = NULL;
	size_t len;
	FILE *stream = open_memstream(&request, &len);

	fputs(before, stream);
	for (size_t i = 0; i < times; i++)
		fputs(repeated, stream);
	fputs(after, stream);
	fclose(stream);
	ask(request, len, out, size);
	free(request);
}

static const struct {
	const char *name, *before, *repeated, *after;
	size_t times;
} monsters[] = {
	{ "a URL of a MiB", "GET /", "a", " HTTP/1.1\r\n\r\n", 1 << 20 },
	{ "a method of 64 KiB", "A", "A", " / HTTP/1.1\r\n\r\n", 1 << 16 },
	{ "a header of 64 KiB", "GET / HTTP/1.1\r\nA: ", "a", "\r\n\r\n",
	  1 << 16 },
	{ "ten thousand headers", "GET / HTTP/1.1\r\n", "A: b\r\n", "\r\n",
	  10000 },
	{ "ten thousand arguments", "GET /?", "a&", " HTTP/1.1\r\n\r\n",
	  10000 },
	{ "no HTTP", "", "\x16\x03\x01garbage\r\n", "\r\n\r\n", 10 },
};

/* A request larger than WEB_SERVER_REQUEST_MAX is no request. */
static void what_is_too_much_is_not_kept(void **state)
{
	(void)state;
	start(PATIENT_MS);
	for (size_t i = 0; i < sizeof(monsters) / sizeof(monsters[0]); i++) {
		char answer[1024];

		ask_at_length(monsters[i].before, monsters[i].repeated,
			      monsters[i].times, monsters[i].after, answer,
			      sizeof(answer));
		if (strstr(answer, " 200 "))
			fail_msg("%s: got '%s'", monsters[i].name, answer);
		expect_good();
	}
}

static void who_is_silent_is_dropped(void **state)
{
	char answer[1024];
	int fd;

	(void)state;
	start(IMPATIENT_MS);
	fd = begin();
	assert_true(hear(fd, answer, sizeof(answer)));
	assert_int_equal(0, strlen(answer));
	close(fd);
}

/* Bytes win no time: only the whole of it counts. */
static void who_drips_is_dropped(void **state)
{
	int64_t began_us = clock_us();
	bool dropped = false;
	int fd;

	(void)state;
	start(IMPATIENT_MS);
	fd = begin();
	while (!dropped && clock_us() < began_us + GIVE_UP_MS * 1000) {
		struct pollfd in = { .fd = fd, .events = POLLIN };

		dropped = send(fd, "G", 1, MSG_NOSIGNAL) < 0 ||
			  poll(&in, 1, IMPATIENT_MS / 10) > 0;
	}
	assert_true(dropped);
	close(fd);
}

/* He finds what was on the way, and then the end. */
static void who_does_not_take_his_answer_is_dropped(void **state)
{
	static const char request[] = "GET /long HTTP/1.1\r\n" HOST "\r\n";
	const struct timeval patience = { .tv_sec = GIVE_UP_MS / 1000 };
	struct pollfd answer = { .events = POLLIN };
	size_t len = 0;
	char some[65536];
	ssize_t n;

	(void)state;
	start(PATIENT_MS);
	answer.fd = begin();
	setsockopt(answer.fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	say(answer.fd, request, strlen(request));
	assert_int_equal(1, poll(&answer, 1, GIVE_UP_MS));
	atomic_fetch_add(&ahead_s, PATIENT_MS / 1000);
	while ((n = recv(answer.fd, some, sizeof(some), 0)) > 0)
		len += (size_t)n;
	assert_true(n == 0 || errno == ECONNRESET);
	assert_true(len > 0 && len < LONG_LEN);
	close(answer.fd);
	expect_good();
}

/* From one address. So many are let in, and all others are hung up on; none of
   them keeps those out who come when it is over. */
static void a_crowd_is_bounded(void **state)
{
	enum { CROWD = 200 };
	int fds[CROWD], n_over = 0;

	(void)state;
	start(IMPATIENT_MS);
	for (int i = 0; i < CROWD; i++)
		fds[i] = begin();
	for (int i = 0; i < CROWD; i++) {
		char answer[64];

		n_over += hear(fds[i], answer, sizeof(answer));
		close(fds[i]);
	}
	assert_int_equal(CROWD, n_over);
	expect_good_soon();
}

static void one_address_does_not_take_all_places(void **state)
{
	enum { MORE = WEB_SERVER_CONNECTIONS_PER_ADDRESS + 1 };
	int fds[MORE];
	char answer[64];

	(void)state;
	start(PATIENT_MS);
	for (int i = 0; i < MORE; i++)
		fds[i] = begin();
	assert_true(hear(fds[MORE - 1], answer, sizeof(answer)));
	assert_string_equal("", answer);
	close(fds[0]);
	for (int i = 1; i < MORE; i++)
		close(fds[i]);
}

/* ---- two of them -------------------------------------------------------- */

static int listen_there(void)
{
	struct err err;
	int fd = web_address_listen(&address, &err);

	if (fd < 0)
		fail_msg("%s", err.message);
	return fd;
}

static void a_port_in_use_is_refused(void **state)
{
	int other = listen_there();
	struct err err;

	(void)state;
	assert_int_equal(-EADDRINUSE, try_to_start(PATIENT_MS, false, &err));
	assert_non_null(strstr(err.message, "127.0.0.1:9500"));
	close(other);
}

/* A connection that was begun while the other one listened is not ours. */
static void a_port_that_is_left_is_taken_over(void **state)
{
	int64_t until_us = clock_us() + GIVE_UP_MS * 1000;
	int other = listen_there(), fd = -1;
	struct err err;

	(void)state;
	assert_int_equal(0, try_to_start(PATIENT_MS, true, &err));
	close(other);
	while (connect_to(&fd) < 0 && clock_us() < until_us) {
		close(fd);
		poll(NULL, 0, 1);
	}
	close(fd);
	expect_good();
}

static void who_waits_for_a_port_can_be_stopped(void **state)
{
	int other = listen_there();
	struct err err;

	(void)state;
	assert_int_equal(0, try_to_start(PATIENT_MS, true, &err));
	web_server_stop(server);
	server = NULL;
	close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered_and_the_connection_over),
		TEST(a_page_can_ask_who_it_is),
		TEST(what_is_too_much_is_not_kept),
		TEST(who_is_silent_is_dropped),
		TEST(who_drips_is_dropped),
		TEST(who_does_not_take_his_answer_is_dropped),
		TEST(a_crowd_is_bounded),
		TEST(one_address_does_not_take_all_places),
		TEST(a_port_in_use_is_refused),
		TEST(a_port_that_is_left_is_taken_over),
		TEST(who_waits_for_a_port_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
