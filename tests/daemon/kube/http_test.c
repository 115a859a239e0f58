/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server that says what a row has for it, byte by byte, over HTTP/1.1
 * without TLS; tests/daemon/kube/http2_test.py has TLS and HTTP/2.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kube/access.h"
#include "kube/http.h"
#include "version.h"

#define PATIENCE_MS 20000

/* ---- a server ---------------------------------------------------------------
 */

struct server {
	pthread_t thread;
	int listener;
	unsigned int port;
	/* what it says to each who asks, and how often: then it closes */
	const char *answer;
	size_t len, times;
	bool stays_open; /* then it waits for the other end to close */
	/* what it was asked last */
	char request[4096];
};

/* Up to the empty line. False where there is no more. */
static bool hear(struct server *server, int fd)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = recv(fd, server->request + len,
			 sizeof(server->request) - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		server->request[len] = '\0';
	} while (!strstr(server->request, "\r\n\r\n"));
	return true;
}

static void say(const struct server *server, int fd)
{
	for (size_t i = 0; i < server->times; i++) {
		size_t sent = 0;

		while (sent < server->len) {
			ssize_t n = send(fd, server->answer + sent,
					 server->len - sent, MSG_NOSIGNAL);

			if (n < 0)
				return; /* nobody wants it any more */
			sent += (size_t)n;
		}
	}
}

static void *serve(void *ctx)
{
	struct server *server = ctx;
	char byte;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		if (hear(server, fd))
			say(server, fd);
		if (server->stays_open)
			while (recv(fd, &byte, 1, 0) > 0)
				;
		close(fd);
	}
	return NULL;
}

static void server_open(struct server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->listener >= 0);
	assert_int_equal(0, bind(server->listener, (struct sockaddr *)&address,
				 sizeof(address)));
	assert_int_equal(0, listen(server->listener, 8));
	assert_int_equal(0, getsockname(server->listener,
					(struct sockaddr *)&address, &len));
	server->port = ntohs(address.sin_port);
	assert_int_equal(0,
			 pthread_create(&server->thread, NULL, serve, server));
}

static void server_close(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

/* ---- a client ---------------------------------------------------------------
 */

struct client {
	struct server server;
	struct kube_access access;
	struct http *http;
};

/* One call, and what has come of it. */
struct seen {
	struct client *client;
	struct http_call *call;
	char type[64], body[256];
	size_t len;	     /* of its body */
	int refusal;	     /* what begin() returns */
	size_t refused_at;   /* body() returns -EBADMSG from this length on */
	struct seen *next;   /* begins when this one ends */
	struct seen *victim; /* is cancelled with the first bytes of this one */
	bool has_begun, is_over;
	struct http_end end;
};

static void ask(struct client *client, struct seen *seen, const char *path);

static int on_begin(void *ctx, const char *content_type)
{
	struct seen *seen = ctx;

	assert_false(seen->has_begun);
	seen->has_begun = true;
	snprintf(seen->type, sizeof(seen->type), "%s", content_type);
	return seen->refusal;
}

static int on_body(void *ctx, const char *bytes, size_t len)
{
	struct seen *seen = ctx;
	size_t room = sizeof(seen->body) - 1;

	assert_true(seen->has_begun);
	assert_false(seen->is_over);
	if (seen->len + len <= room)
		memcpy(seen->body + seen->len, bytes, len);
	seen->len += len;
	if (seen->victim) {
		http_cancel(seen->victim->call);
		seen->victim = NULL;
	}
	return seen->refused_at && seen->len >= seen->refused_at ? -EBADMSG : 0;
}

static void on_end(void *ctx, const struct http_end *end, const char *body,
		   size_t len)
{
	struct seen *seen = ctx;

	assert_false(seen->is_over);
	seen->is_over = true;
	seen->end = *end;
	if (!seen->has_begun) {
		seen->len = len;
		snprintf(seen->body, sizeof(seen->body), "%.*s", (int)len,
			 body);
	}
	if (seen->next)
		ask(seen->client, seen->next, "/next");
}

static void ask(struct client *client, struct seen *seen, const char *path)
{
	struct http_get get = {
		.path = path,
		.accept = "application/json",
		.begin = on_begin,
		.body = on_body,
		.end = on_end,
		.ctx = seen,
	};

	seen->client = client;
	seen->call = http_begin(client->http, &get);
	assert_non_null(seen->call);
}

/* As the controller does; false when nothing comes. */
static bool work(struct client *client)
{
	struct pollfd fd = { .fd = http_fd(client->http), .events = POLLIN };

	if (poll(&fd, 1, PATIENCE_MS) <= 0)
		return false;
	http_work(client->http);
	return true;
}

static void wait_for_end(struct client *client, const struct seen *seen)
{
	while (!seen->is_over)
		assert_true(work(client));
}

static void client_open(struct client *client, const char *answer)
{
	char server[64];

	client->server.answer = answer;
	if (client->server.len == 0)
		client->server.len = strlen(answer);
	if (client->server.times == 0)
		client->server.times = 1;
	server_open(&client->server);
	snprintf(server, sizeof(server), "http://127.0.0.1:%u",
		 client->server.port);
	client->access.server = strdup(server);
	client->access.origin = strdup("a test");
	assert_int_equal(0, http_open(&client->access, &client->http, NULL));
}

static void client_close(struct client *client)
{
	http_close(client->http);
	kube_access_release(&client->access);
	server_close(&client->server);
}

static void ask_and_wait(struct client *client, struct seen *seen)
{
	ask(client, seen, "/api/v1/pods?limit=500");
	wait_for_end(client, seen);
}

/* ---- answers ----------------------------------------------------------------
 */

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define FAILED(status) "HTTP/1.1 " status "\r\nContent-Length: 3\r\n"

static const struct {
	const char *name, *answer;
	long status;
	int error;
	int retry_after_s;
	const char *type, *body, *message;
} answers[] = {
	{ "a length says where it ends", OK "Content-Length: 2\r\n\r\n{}", 200,
	  0, -1, "application/json", "{}", "" },
	{ "chunks do", CHUNKED "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, 0, -1,
	  "application/json", "{}", "" },
	{ "what comes behind them is no part of it",
	  CHUNKED "2\r\n{}\r\n0\r\nRetry-After: 5\r\n\r\n", 200, 0, -1,
	  "application/json", "{}", "" },
	{ "so does the end of the connection", OK "\r\n{}", 200, 0, -1,
	  "application/json", "{}", "" },
	{ "an answer may be empty", OK "Content-Length: 0\r\n\r\n", 200, 0, -1,
	  "application/json", "", "" },
	{ "a type may be missing", "HTTP/1.1 200 OK\r\n\r\n{}", 200, 0, -1, "",
	  "{}", "" },
	{ "'continue' is no answer yet",
	  "HTTP/1.1 103 Early Hints\r\nContent-Type: text/plain\r\n\r\n" OK
	  "Content-Length: 2\r\n\r\n{}",
	  200, 0, -1, "application/json", "{}", "" },
	{ "an answer without end is none (API-27)", CHUNKED "5\r\n{\"a\"", 200,
	  -ECONNRESET, -1, "application/json", "{\"a\"",
	  "the answer breaks off from HERE: transfer closed with "
	  "outstanding read data remaining" },
	{ "nor is one that is too short", OK "Content-Length: 9\r\n\r\n{}", 200,
	  -ECONNRESET, -1, "application/json", "{}",
	  "the answer breaks off from HERE: transfer closed with 7 "
	  "bytes remaining to read" },
	{ "nor is nothing", "", 0, -ECONNRESET, -1, NULL, "",
	  "no answer comes from HERE: Empty reply from server" },
	{ "nor half a head", "HTTP/1.1 200 OK\r\nContent-Le", 0, -ECONNRESET,
	  -1, NULL, "",
	  "no whole answer comes from HERE: it ends in its head" },
	{ "nor is one that is still to come",
	  "HTTP/1.1 103 Early Hints\r\n\r\n", 0, -ECONNRESET, -1, NULL, "",
	  NULL },
	{ "another protocol is none", "220 mail.test ESMTP\r\n", 0, -EPROTO, -1,
	  NULL, "",
	  "no HTTP comes from HERE: Received HTTP/0.9 when not "
	  "allowed" },
	{ "what does not uncompress is none",
	  OK "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 200,
	  -EBADMSG, -1, "application/json", "", NULL },
	{ "too many requests say when to ask again",
	  FAILED("429 Too Many Requests") "Retry-After: 7\r\n\r\nno!", 429, 0,
	  7, NULL, "no!", "" },
	{ "in capitals or not", FAILED("503 No") "retry-AFTER:  8  \r\n\r\nno!",
	  503, 0, 8, NULL, "no!", "" },
	{ "or they say nonsense", FAILED("503 No") "Retry-After: x\r\n\r\nno!",
	  503, 0, -1, NULL, "no!", "" },
	{ "a redirect is not followed",
	  FAILED("307 There") "Location: http://192.0.2.1/\r\n\r\nno!", 307, 0,
	  -1, NULL, "no!", "" },
	{ "another success is none, either",
	  FAILED("206 Partial Content") "\r\nno!", 206, 0, -1, NULL, "no!",
	  "" },
	{ "a name and password that are asked for are not there",
	  FAILED("401 Who") "WWW-Authenticate: Basic\r\n\r\nno!", 401, 0, -1,
	  NULL, "no!", "" },
	{ "a failure may break off", FAILED("500 Oh") "\r\nno", 500,
	  -ECONNRESET, -1, NULL, "no", NULL },
};

/* HERE is the server; NULL is whatever was said. */
static void words(const struct client *client, const char *expected,
		  const struct seen *seen, char out[256])
{
	const char *here = expected ? strstr(expected, "HERE") : NULL;

	if (!expected)
		expected = seen->end.message;
	if (!here)
		snprintf(out, 256, "%s", expected);
	else
		snprintf(out, 256, "%.*s127.0.0.1:%u%s", (int)(here - expected),
			 expected, client->server.port, here + 4);
}

static void an_answer_is_told_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const char *type = answers[i].type;
		struct client client = { 0 };
		struct seen seen = { 0 };
		char message[256];

		client_open(&client, answers[i].answer);
		ask_and_wait(&client, &seen);
		words(&client, answers[i].message, &seen, message);
		if (seen.end.status != answers[i].status ||
		    seen.end.error != answers[i].error ||
		    seen.end.retry_after_s != answers[i].retry_after_s ||
		    seen.has_begun != (type != NULL) ||
		    strcmp(seen.type, type ? type : "") != 0 ||
		    strcmp(seen.body, answers[i].body) != 0 ||
		    strcmp(seen.end.message, message) != 0)
			fail_msg("%s: got %ld, error %d, %d s, %s '%s', '%s', "
				 "'%s'",
				 answers[i].name, seen.end.status,
				 seen.end.error, seen.end.retry_after_s,
				 seen.has_begun ? "type" : "no type", seen.type,
				 seen.body, seen.end.message);
		client_close(&client);
	}
}

static void a_compressed_answer_is_uncompressed(void **state)
{
	static const char answer[] = OK
		"Content-Encoding: gzip\r\nContent-Length: 22\r\n\r\n"
		"\037\213\010\000\000\000\000\000\002\377\253\256\005\000\103\277\246\243\002\000\000\000";
	struct client client = { .server.len = sizeof(answer) - 1 };
	struct seen seen = { 0 };

	(void)state;
	client_open(&client, answer);
	ask_and_wait(&client, &seen);
	assert_int_equal(0, seen.end.error);
	assert_string_equal("{}", seen.body);
	client_close(&client);
}

/* Nobody keeps what has no end: of a failure the beginning is enough. */
static void of_a_long_failure_the_beginning_is_told(void **state)
{
	static const char answer[] = "HTTP/1.1 500 Oh\r\n\r\n";
	static char text[200000];
	struct client client = { .server.len = sizeof(text) };
	struct seen seen = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, answer, sizeof(answer) - 1);
	client_open(&client, text);
	ask_and_wait(&client, &seen);
	assert_int_equal(500, seen.end.status);
	assert_int_equal(0, seen.end.error);
	assert_int_equal(65536, seen.len);
	client_close(&client);
}

static void a_head_without_end_is_broken_off(void **state)
{
	static const char line[] = "X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
	static char text[200000];
	struct client client = { .server.len = sizeof(text) };
	struct seen seen = { 0 };
	size_t len = (size_t)sprintf(text, "%s", OK);

	(void)state;
	for (; len + sizeof(line) < sizeof(text); len += sizeof(line) - 1)
		memcpy(text + len, line, sizeof(line));
	client_open(&client, text);
	ask_and_wait(&client, &seen);
	assert_int_equal(0, seen.end.status);
	assert_int_equal(-EMSGSIZE, seen.end.error);
	client_close(&client);
}

static void whoever_is_told_can_break_it_off(void **state)
{
	struct client client = { .server.times = 100000 };
	struct seen refused = { .refusal = -EPROTONOSUPPORT };
	struct seen stopped = { .refused_at = 100000 };

	(void)state;
	client_open(&client, CHUNKED "5\r\nhello\r\n");
	ask_and_wait(&client, &refused);
	assert_int_equal(200, refused.end.status);
	assert_int_equal(-EPROTONOSUPPORT, refused.end.error);
	assert_int_equal(0, refused.len);
	client_close(&client);

	client = (struct client){ .server.times = 100000 };
	client_open(&client, OK "\r\n0123456789");
	ask_and_wait(&client, &stopped);
	assert_int_equal(200, stopped.end.status);
	assert_int_equal(-EBADMSG, stopped.end.error);
	assert_in_range(stopped.len, 100000, 200000);
	client_close(&client);
}

/* ---- much of it -------------------------------------------------------------
 */

/* Whoever calls has other things to do, and is told that there is more. */
static void a_long_answer_comes_in_pieces(void **state)
{
	static char text[1 << 20];
	struct client client = { .server = { .len = sizeof(text),
					     .times = 64 } };
	struct seen seen = { 0 };
	size_t before = 0, longest = 0;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, OK "\r\n", sizeof(OK "\r\n") - 1);
	client_open(&client, text);
	ask(&client, &seen, "/api/v1/pods");
	while (!seen.is_over) {
		assert_true(work(&client));
		if (seen.len - before > longest)
			longest = seen.len - before;
		before = seen.len;
	}
	assert_int_equal(0, seen.end.error);
	assert_true(seen.len > 60 << 20);
	assert_in_range(longest, 1, 8 << 20);
	client_close(&client);
}

/* ---- several calls ----------------------------------------------------------
 */

static void a_call_may_begin_where_another_ends(void **state)
{
	struct client client = { 0 };
	struct seen second = { 0 }, first = { .next = &second };

	(void)state;
	client_open(&client, OK "Content-Length: 2\r\n\r\n{}");
	ask_and_wait(&client, &first);
	wait_for_end(&client, &second);
	assert_string_equal("{}", second.body);
	client_close(&client);
	assert_non_null(strstr(client.server.request, "GET /next HTTP/1.1"));
}

static void what_is_cancelled_is_heard_of_no_more(void **state)
{
	struct client client = { .server.stays_open = true };
	struct seen silent = { 0 }, next = { 0 };

	(void)state;
	client_open(&client, CHUNKED "2\r\n{}\r\n");
	ask(&client, &silent, "/api/v1/pods");
	while (silent.len == 0)
		assert_true(work(&client));
	http_cancel(silent.call);
	http_cancel(NULL);
	/* The server serves one after the other: the first one is over. */
	ask(&client, &next, "/api/v1/nodes");
	while (next.len == 0)
		assert_true(work(&client));
	assert_false(silent.is_over);
	client_close(&client); /* cancels the other one */
	assert_false(next.is_over);
}

/* Also while libcurl is at work, which does not let go of it then. */
static void a_call_can_cancel_another(void **state)
{
	struct client client = { 0 };
	struct seen victim = { 0 }, seen = { .victim = &victim };

	(void)state;
	client_open(&client, OK "Content-Length: 2\r\n\r\n{}");
	/* The server hears one after the other. */
	ask(&client, &seen, "/api/v1/pods");
	ask(&client, &victim, "/api/v1/pods");
	wait_for_end(&client, &seen);
	assert_string_equal("{}", seen.body);
	assert_null(seen.victim);
	while (poll(&(struct pollfd){ http_fd(client.http), POLLIN, 0 }, 1,
		    100) > 0)
		http_work(client.http);
	assert_false(victim.is_over);
	client_close(&client);
}

/* ---- what is asked ----------------------------------------------------------
 */

/* Returns whether the request has @line. */
static bool has_line(const struct client *client, const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s\r\n", line);
	return strstr(client->server.request, whole);
}

/* API-43, API-44, API-61, API-64 */
static void a_request_says_what_is_wanted(void **state)
{
	struct client client = { .access.token = strdup("secret") };
	struct seen seen = { 0 };
	char host[64];

	(void)state;
	client_open(&client, OK "\r\n");
	ask_and_wait(&client, &seen);
	client_close(&client);
	snprintf(host, sizeof(host), "Host: 127.0.0.1:%u", client.server.port);
	assert_true(has_line(&client, "GET /api/v1/pods?limit=500 HTTP/1.1"));
	assert_true(has_line(&client, host));
	assert_true(has_line(&client, "Accept: application/json"));
	assert_true(has_line(&client, "Accept-Encoding: gzip"));
	assert_true(has_line(&client, "User-Agent: netpold/" VERSION_TEXT));
	assert_true(has_line(&client, "Authorization: Bearer secret"));
}

static void compression_is_not_asked_for_where_it_is_not_wanted(void **state)
{
	struct client client = { .access = { .no_compression = true,
					     .username = strdup("me"),
					     .password = strdup("secret") } };
	struct seen seen = { 0 };

	(void)state;
	client_open(&client, OK "\r\n");
	ask_and_wait(&client, &seen);
	client_close(&client);
	assert_null(strstr(client.server.request, "Accept-Encoding"));
	assert_true(has_line(&client, "Authorization: Basic bWU6c2VjcmV0"));
}

static void a_token_is_renewed_when_it_was_refused(void **state)
{
	static char path[] = "/tmp/netpold-http-XXXXXX";
	int fd = mkstemp(path);
	struct client client = { .access.token_file = strdup(path) };
	struct seen first = { 0 }, second = { 0 };
	unsigned int edition;

	(void)state;
	assert_int_equal(4, write(fd, "one\n", 4));
	client_open(&client, FAILED("401 Unauthorized") "\r\nno!");
	ask_and_wait(&client, &first);
	assert_int_equal(401, first.end.status);
	assert_false(http_renew_token(client.http));
	edition = http_token_edition(client.http);
	assert_int_equal(4, pwrite(fd, "two\n", 4, 0));
	assert_true(http_renew_token(client.http));
	assert_int_not_equal(edition, http_token_edition(client.http));
	ask_and_wait(&client, &second);
	client_close(&client);
	assert_true(has_line(&client, "Authorization: Bearer two"));
	close(fd);
	remove(path);
}

/* The token is for the server, behind the proxy. */
static void a_proxy_is_told_where_to_connect_to_and_no_more(void **state)
{
	struct client client = { .access.token = strdup("secret") };
	struct seen seen = { 0 };
	char proxy[64];

	(void)state;
	client_open(&client, FAILED("403 Forbidden") "\r\nno!");
	http_close(client.http);
	free(client.access.server);
	client.access.server = strdup("https://kube.test:6443");
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u",
		 client.server.port);
	client.access.proxy_url = strdup(proxy);
	assert_int_equal(0, http_open(&client.access, &client.http, NULL));
	ask_and_wait(&client, &seen);
	assert_int_equal(0, seen.end.status);
	assert_string_equal("the connection breaks off to kube.test:6443: "
			    "CONNECT tunnel failed, response 403",
			    seen.end.message);
	client_close(&client);
	assert_true(has_line(&client, "CONNECT kube.test:6443 HTTP/1.1"));
	assert_null(strstr(client.server.request, "secret"));
}

/* Without TLS it would have the token. */
static void a_proxy_of_variables_is_for_tls_alone(void **state)
{
	static const char *const variables[] = { "http_proxy", "all_proxy",
						 "ALL_PROXY" };

	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		struct client client = { .access.token = strdup("secret") };
		struct seen seen = { 0 };

		/* where nobody listens */
		setenv(variables[i], "http://127.0.0.1:1", 1);
		client_open(&client, OK "Content-Length: 2\r\n\r\n{}");
		ask_and_wait(&client, &seen);
		unsetenv(variables[i]);
		assert_string_equal("", seen.end.message);
		assert_int_equal(200, seen.end.status);
		client_close(&client);
		assert_true(has_line(&client, "Authorization: Bearer secret"));
	}
}

/* ---- no server --------------------------------------------------------------
 */

static void who_does_not_listen_is_named(void **state)
{
	struct client client = { 0 };
	struct seen seen = { 0 };
	char expected[256];

	(void)state;
	client_open(&client, "");
	server_close(&client.server);
	ask_and_wait(&client, &seen);
	snprintf(expected, sizeof(expected),
		 "cannot connect to 127.0.0.1:%u: Connection refused",
		 client.server.port);
	assert_int_equal(-ECONNREFUSED, seen.end.error);
	assert_int_equal(0, seen.end.status);
	assert_string_equal(expected, seen.end.message);
	http_close(client.http);
	kube_access_release(&client.access);
}

/* An access owns its strings. */
#define TEXT(text) ((char[]){ text })
#define MISSING "/nonexistent/file"
#define A_SERVER .origin = TEXT("a test"), .server = TEXT("https://kube.test")

static struct {
	const char *name;
	struct kube_access access;
	int error;
	const char *message;
} unusable[] = {
	{ "a CA that is missing",
	  { A_SERVER, .ca_file = TEXT(MISSING) },
	  -ENOENT,
	  MISSING ": cannot read the certificate authority: No such file or "
		  "directory" },
	{ "a client certificate that is missing",
	  { A_SERVER, .cert_file = TEXT(MISSING),
	    .key_file = TEXT("/dev/null") },
	  -ENOENT,
	  MISSING ": cannot read the client certificate: No such file or "
		  "directory" },
	{ "a key that is missing",
	  { A_SERVER, .cert_file = TEXT("/dev/null"),
	    .key_file = TEXT(MISSING) },
	  -ENOENT,
	  MISSING ": cannot read the client key: No such file or directory" },
	{ "a token that is missing",
	  { A_SERVER, .token_file = TEXT(MISSING) },
	  -ENOENT,
	  MISSING ": cannot read the token: No such file or directory" },
	{ "a token of two words",
	  { A_SERVER, .token = TEXT("a b") },
	  -EBADMSG,
	  "the token: expected one word, found something else" },
	{ "another name that is none",
	  { A_SERVER, .tls_server_name = TEXT("a b") },
	  -EINVAL,
	  "a test: tls-server-name: expected a name, found 'a b'" },
	{ "a server that is none",
	  { .origin = TEXT("a test"), .server = TEXT("kube.test") },
	  -EINVAL,
	  "a test: expected a URL like https://HOST:PORT, found 'kube.test'" },
};

static void what_cannot_be_used_is_told_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++) {
		struct http *http = NULL;
		struct err err = { 0 };
		int r = http_open(&unusable[i].access, &http, &err);

		if (r != unusable[i].error ||
		    strcmp(err.message, unusable[i].message) != 0)
			fail_msg("%s: got %d, %s", unusable[i].name, r,
				 err.message);
	}
	http_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_told_as_it_is),
		cmocka_unit_test(a_compressed_answer_is_uncompressed),
		cmocka_unit_test(of_a_long_failure_the_beginning_is_told),
		cmocka_unit_test(a_head_without_end_is_broken_off),
		cmocka_unit_test(whoever_is_told_can_break_it_off),
		cmocka_unit_test(a_long_answer_comes_in_pieces),
		cmocka_unit_test(a_call_may_begin_where_another_ends),
		cmocka_unit_test(what_is_cancelled_is_heard_of_no_more),
		cmocka_unit_test(a_call_can_cancel_another),
		cmocka_unit_test(a_request_says_what_is_wanted),
		cmocka_unit_test(
			compression_is_not_asked_for_where_it_is_not_wanted),
		cmocka_unit_test(a_token_is_renewed_when_it_was_refused),
		cmocka_unit_test(
			a_proxy_is_told_where_to_connect_to_and_no_more),
		cmocka_unit_test(a_proxy_of_variables_is_for_tls_alone),
		cmocka_unit_test(who_does_not_listen_is_named),
		cmocka_unit_test(what_cannot_be_used_is_told_at_once),
	};

	/* libcurl would ask the proxies of whoever runs the tests. */
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
