/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "observe/client.h"

/* A client, and the other end of its socket. */
struct pair {
	struct client client;
	int far;
};

static int begin(void **state)
{
	static struct pair pair;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	pair.far = fds[1];
	*state = &pair;
	return client_open(&pair.client, fds[0]);
}

static int end(void **state)
{
	struct pair *pair = *state;

	client_close(&pair->client);
	if (pair->far >= 0)
		close(pair->far);
	return 0;
}

static void say(struct pair *pair, const char *text)
{
	assert_int_equal(strlen(text),
			 send(pair->far, text, strlen(text), MSG_DONTWAIT));
	assert_int_equal(0, client_read(&pair->client));
}

static void expect_line(struct pair *pair, const char *expected)
{
	const char *line = NULL;
	char text[64] = "";
	size_t len = 0;

	assert_int_equal(CLIENT_LINE, client_line(&pair->client, &line, &len));
	assert_true(len < sizeof(text));
	memcpy(text, line, len);
	assert_string_equal(expected, text);
}

static void expect_no_line(struct pair *pair)
{
	const char *line;
	size_t len;

	assert_int_equal(CLIENT_NO_LINE,
			 client_line(&pair->client, &line, &len));
}

static void answer(struct pair *pair, const char *text)
{
	client_answer(&pair->client, strdup(text), strlen(text));
	assert_int_equal(0, client_write(&pair->client));
}

static void expect_heard(struct pair *pair, const char *expected)
{
	char text[64] = "";

	assert_int_equal(strlen(expected),
			 recv(pair->far, text, sizeof(text), MSG_DONTWAIT));
	assert_string_equal(expected, text);
}

static void a_line_may_come_in_pieces(void **state)
{
	expect_no_line(*state);
	say(*state, "he");
	expect_no_line(*state);
	say(*state, "llo\n");
	expect_line(*state, "hello");
}

static void lines_that_come_together_are_answered_in_turn(void **state)
{
	struct pair *pair = *state;

	say(pair, "one\ntwo\nthr");
	expect_line(pair, "one");
	answer(pair, "1\n");
	expect_heard(pair, "1\n");
	expect_line(pair, "two");
	answer(pair, "2\n");
	expect_heard(pair, "2\n");
	expect_no_line(pair);
	say(pair, "ee\n");
	expect_line(pair, "three");
}

static void an_empty_line_is_a_line(void **state)
{
	say(*state, "\n");
	expect_line(*state, "");
}

static void the_end_of_the_stream_ends_the_last_line(void **state)
{
	struct pair *pair = *state;

	say(pair, "one\ntwo");
	assert_int_equal(0, shutdown(pair->far, SHUT_WR));
	assert_int_equal(0, client_read(&pair->client));
	expect_line(pair, "one");
	answer(pair, "1\n");
	expect_line(pair, "two");
	assert_false(client_is_done(&pair->client));
	answer(pair, "2\n");
	assert_true(client_is_done(&pair->client));
	expect_heard(pair, "1\n2\n");
}

static void who_says_nothing_is_done(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(POLLIN, client_events(&pair->client));
	close(pair->far);
	pair->far = -1;
	assert_int_equal(0, client_read(&pair->client));
	assert_true(client_is_done(&pair->client));
}

/* Send what fits, read it, until the client takes no more. */
static void flood(struct pair *pair, char c)
{
	char block[4096];

	memset(block, c, sizeof(block));
	fcntl(pair->far, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 100; i++) {
		if (send(pair->far, block, sizeof(block), MSG_NOSIGNAL) < 0)
			assert_int_equal(EAGAIN, errno);
		assert_int_equal(0, client_read(&pair->client));
	}
}

static void a_line_that_is_too_long_is_the_last(void **state)
{
	struct pair *pair = *state;
	const char *line;
	size_t len;

	flood(pair, 'x');
	assert_int_equal(CLIENT_LINE_TOO_LONG,
			 client_line(&pair->client, &line, &len));
	answer(pair, "too long\n");
	expect_heard(pair, "too long\n");
	assert_true(client_is_done(&pair->client));
	assert_int_equal(0, client_read(&pair->client));
	expect_no_line(pair);
}

static void the_longest_line_is_taken(void **state)
{
	static char text[CLIENT_LINE_MAX + 1];
	struct pair *pair = *state;
	const char *line;
	size_t len = 0;

	memset(text, 'x', CLIENT_LINE_MAX);
	text[CLIENT_LINE_MAX] = '\n';
	assert_int_equal(sizeof(text), send(pair->far, text, sizeof(text), 0));
	for (int i = 0; i < 64; i++)
		assert_int_equal(0, client_read(&pair->client));
	assert_int_equal(CLIENT_LINE, client_line(&pair->client, &line, &len));
	assert_int_equal(CLIENT_LINE_MAX, len);
	answer(pair, "1\n");
	expect_no_line(pair);
	say(pair, "next\n");
	expect_line(pair, "next");
}

#define LONG_ANSWER (1 << 20)

/* Nothing more is asked of who does not listen, and nobody waits for him. */
static void an_answer_goes_out_as_it_is_taken(void **state)
{
	struct pair *pair = *state;
	char *text = malloc(LONG_ANSWER), *heard = malloc(LONG_ANSWER);
	size_t len = 0;
	ssize_t n;

	for (size_t i = 0; i < LONG_ANSWER; i++)
		text[i] = (char)('a' + i % 23);
	say(pair, "one\ntwo\n");
	client_answer(&pair->client, text, LONG_ANSWER);
	assert_int_equal(0, client_write(&pair->client));
	assert_int_equal(POLLOUT, client_events(&pair->client));
	expect_no_line(pair);
	while (len < LONG_ANSWER) {
		n = recv(pair->far, heard + len, LONG_ANSWER - len,
			 MSG_DONTWAIT);
		assert_true(n > 0);
		len += (size_t)n;
		assert_int_equal(0, client_write(&pair->client));
	}
	for (size_t i = 0; i < LONG_ANSWER; i++)
		assert_int_equal('a' + i % 23, heard[i]);
	expect_line(pair, "two");
	free(heard);
}

/* SIGPIPE would end this test. */
static void who_is_gone_is_over(void **state)
{
	struct pair *pair = *state;

	say(pair, "one\n");
	close(pair->far);
	pair->far = -1;
	client_answer(&pair->client, strdup("1\n"), 2);
	assert_int_equal(-EPIPE, client_write(&pair->client));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_may_come_in_pieces),
		TEST(lines_that_come_together_are_answered_in_turn),
		TEST(an_empty_line_is_a_line),
		TEST(the_end_of_the_stream_ends_the_last_line),
		TEST(who_says_nothing_is_done),
		TEST(a_line_that_is_too_long_is_the_last),
		TEST(the_longest_line_is_taken),
		TEST(an_answer_goes_out_as_it_is_taken),
		TEST(who_is_gone_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
