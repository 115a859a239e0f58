/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "handover/wire.h"

#define PATIENT_MS 5000
#define IMPATIENT_MS 30

static struct wire here, there;

static int enter(void **state)
{
	int fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       fds) < 0)
		return -1;
	wire_open(&here, fds[0]);
	wire_open(&there, fds[1]);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	wire_close(&here);
	wire_close(&there);
	return 0;
}

static void write_text(const char *text)
{
	assert_int_equal(strlen(text), send(there.fd, text, strlen(text), 0));
}

static void a_word_is_heard(void **state)
{
	(void)state;
	assert_int_equal(0, wire_say(&there, "judging", NULL, 0, PATIENT_MS));
	assert_int_equal(0, wire_await(&here, "judging", PATIENT_MS, NULL));
}

/* Each ends the wait; what is heard is the message. */
static const struct {
	const char *name, *text;
	int code;
	const char *words;
} lines[] = {
	{ "another word is none", "{\"hand-over\": \"resting\"}\n", -EPROTO,
	  "judging" },
	{ "what the other end says against it is told",
	  "{\"error\": \"I go on\"}\n", -ECANCELED, "I go on" },
	{ "a word that is no text is none", "{\"hand-over\": 1}\n", -EPROTO,
	  "judging" },
	{ "an empty line is no word", "\n", -EPROTO, "judging" },
	{ "bytes are no word", "\xff\xfe\n", -EPROTO, "judging" },
	{ "half a word is waited for", "{\"hand-over\": \"jud", -ETIMEDOUT,
	  "not answered" },
	{ "silence is waited for", "", -ETIMEDOUT, "not answered" },
};

static void whatever_is_said_ends_the_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct err err = { 0 };
		int code;

		leave(NULL);
		enter(NULL);
		write_text(lines[i].text);
		code = wire_await(&here, "judging", IMPATIENT_MS, &err);
		if (code != lines[i].code ||
		    !strstr(err.message, lines[i].words))
			fail_msg("%s: got %d, %s", lines[i].name, code,
				 err.message);
	}
}

static void a_line_without_end_is_no_word(void **state)
{
	char text[sizeof(here.in) + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	write_text(text);
	assert_int_equal(-EPROTO,
			 wire_await(&here, "judging", PATIENT_MS, NULL));
}

static void who_has_ended_is_not_waited_for(void **state)
{
	(void)state;
	wire_close(&there);
	assert_int_equal(-EPIPE,
			 wire_await(&here, "judging", PATIENT_MS, NULL));
	assert_int_equal(-EPIPE,
			 wire_say(&here, "resting", NULL, 0, PATIENT_MS));
}

static void his_last_word_is_heard(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(0, wire_say(&there, "in force", NULL, 0, PATIENT_MS));
	wire_refuse(&there, "too late");
	wire_close(&there);
	assert_int_equal(0, wire_await(&here, "in force", PATIENT_MS, NULL));
	assert_int_equal(-ECANCELED, wire_await(&here, "", PATIENT_MS, &err));
	assert_string_equal("too late", err.message);
	assert_int_equal(-EPIPE, wire_await(&here, "", PATIENT_MS, NULL));
}

static void words_that_come_at_once_are_told_apart(void **state)
{
	(void)state;
	write_text("{\"hand-over\":\"agreed\"}\n{\"hand-over\":\"queues\"}\n");
	assert_int_equal(0, wire_await(&here, "agreed", PATIENT_MS, NULL));
	assert_int_equal(0, wire_await(&here, "queues", PATIENT_MS, NULL));
}

static ino_t file_of(int fd)
{
	struct stat st;

	assert_int_equal(0, fstat(fd, &st));
	return st.st_ino;
}

/* Pipes, which are told apart by their inodes; more than one message takes. */
static void descriptors_come_in_order(void **state)
{
	enum { N = 200 };
	int fds[N], pipes[N][2];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(0, pipe(pipes[i]));
		fds[i] = pipes[i][0];
	}
	assert_int_equal(0, wire_say(&there, "queues", fds, N, PATIENT_MS));
	assert_int_equal(0, wire_await(&here, "queues", PATIENT_MS, NULL));
	assert_int_equal(N, here.n_fds);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(file_of(fds[i]), file_of(here.fds[i]));
		assert_true(fcntl(here.fds[i], F_GETFD) & FD_CLOEXEC);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

static void too_many_descriptors_are_closed(void **state)
{
	int fds[WIRE_FDS_MAX], first = dup(0);

	(void)state;
	for (size_t i = 0; i < WIRE_FDS_MAX; i++)
		fds[i] = 0;
	for (int i = 0; i < 2; i++)
		assert_int_equal(0, wire_say(&there, "queues", fds,
					     WIRE_FDS_MAX, PATIENT_MS));
	for (int i = 0; i < 2; i++)
		assert_int_equal(0,
				 wire_await(&here, "queues", PATIENT_MS, NULL));
	assert_int_equal(WIRE_FDS_MAX, here.n_fds);
	wire_close(&here);
	close(first);
	/* All of them: the lowest that is free is the one from before. */
	assert_int_equal(here.fd, -1);
	assert_true(dup(0) <= first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_word_is_heard, enter, leave),
		cmocka_unit_test_setup_teardown(whatever_is_said_ends_the_wait,
						enter, leave),
		cmocka_unit_test_setup_teardown(a_line_without_end_is_no_word,
						enter, leave),
		cmocka_unit_test_setup_teardown(who_has_ended_is_not_waited_for,
						enter, leave),
		cmocka_unit_test_setup_teardown(his_last_word_is_heard, enter,
						leave),
		cmocka_unit_test_setup_teardown(
			words_that_come_at_once_are_told_apart, enter, leave),
		cmocka_unit_test_setup_teardown(descriptors_come_in_order,
						enter, leave),
		cmocka_unit_test_setup_teardown(too_many_descriptors_are_closed,
						enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
