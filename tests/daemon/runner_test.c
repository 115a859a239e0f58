/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errands, done by another process. This one has its PATH emptied once the
 * other is there: what it had to run itself would not be found.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/runner.h"
#include "netns.h"

#define N_THREADS 4
#define N_QUESTIONS 10

static const struct errand version = { .kind = ERRAND_VERSION };
static const struct errand save = { .kind = ERRAND_SAVE_MANGLE,
				    .flavour = IPTABLES_NFT,
				    .family = IP_V4 };
static const struct errand restore = { .kind = ERRAND_RESTORE,
				       .flavour = IPTABLES_NFT,
				       .family = IP_V4 };

static pid_t helper;

static int begin(void **state)
{
	int fds[2];

	if (netns_enter(state) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	helper = fork();
	if (helper == 0) {
		close(fds[0]);
		while (runner_serve(fds[1]))
			;
		_exit(0);
	}
	close(fds[1]);
	runner_hire(fds[0]);
	return setenv("PATH", "/nowhere", 1);
}

/* Whether it is done, and what comes back has @expected in it. */
static bool is_done(const struct errand *errand, const char *text,
		    const char *expected)
{
	struct process_result result;
	struct err err;
	bool done;

	if (runner_run(errand, text, &result, &err) < 0)
		return false;
	done = result.status == 0 && result.len == strlen(result.output) &&
	       strstr(result.output, expected);
	process_result_release(&result);
	return done;
}

static void an_errand_is_done_elsewhere(void **state)
{
	struct process_result result;
	struct err err;

	(void)state;
	assert_int_equal(-ENOENT, errand_run(&version, NULL, &result, &err));
	process_result_release(&result);
	assert_true(is_done(&version, NULL, "iptables v"));
}

static void a_text_gets_there_and_what_stands_comes_back(void **state)
{
	(void)state;
	assert_true(is_done(&restore,
			    "*mangle\n:NETPOLD - [0:0]\n"
			    "-A NETPOLD -i lo -j RETURN\nCOMMIT\n",
			    ""));
	assert_true(is_done(&save, NULL, "-A NETPOLD -i lo -j RETURN\n"));
}

static void what_the_program_refuses_is_told(void **state)
{
	struct process_result result;
	struct err err;

	(void)state;
	assert_int_equal(
		0, runner_run(&restore, "*nothing\nCOMMIT\n", &result, &err));
	assert_int_not_equal(0, result.status);
	assert_true(result.len > 0);
	process_result_release(&result);
}

static void
what_nobody_may_ask_for_is_refused_and_the_next_is_done(void **state)
{
	struct process_result result;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(-EPERM,
			 runner_run(&restore, "-M /bin/sh\n", &result, &err));
	assert_true(strlen(err.message) > 0);
	assert_true(is_done(&version, NULL, "iptables v"));
}

struct asking {
	pthread_t thread;
	const struct errand *errand;
	const char *answer; /* some of it */
	size_t n_done;
};

static void *ask_often(void *ctx)
{
	struct asking *asking = ctx;

	for (size_t n = 0; n < N_QUESTIONS; n++)
		asking->n_done += is_done(asking->errand, NULL, asking->answer);
	return NULL;
}

static void each_of_many_gets_its_own_answer(void **state)
{
	struct asking asking[N_THREADS] = {
		{ .errand = &version, .answer = "iptables v" },
		{ .errand = &save, .answer = "*mangle" },
		{ .errand = &version, .answer = "iptables v" },
		{ .errand = &save, .answer = "*mangle" },
	};

	(void)state;
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(0, pthread_create(&asking[i].thread, NULL,
						   ask_often, &asking[i]));
	for (size_t i = 0; i < N_THREADS; i++)
		pthread_join(asking[i].thread, NULL);
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(N_QUESTIONS, asking[i].n_done);
}

/* The last: it has ended then. */
static void that_the_helper_has_ended_is_told_each_time(void **state)
{
	struct process_result result;
	struct err err;

	(void)state;
	assert_int_equal(0, kill(helper, SIGKILL));
	assert_int_equal(helper, waitpid(helper, NULL, 0));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(-EPIPE,
				 runner_run(&version, NULL, &result, &err));
		assert_non_null(strstr(err.message, "restart netpold"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_errand_is_done_elsewhere),
		cmocka_unit_test(a_text_gets_there_and_what_stands_comes_back),
		cmocka_unit_test(what_the_program_refuses_is_told),
		cmocka_unit_test(
			what_nobody_may_ask_for_is_refused_and_the_next_is_done),
		cmocka_unit_test(each_of_many_gets_its_own_answer),
		cmocka_unit_test(that_the_helper_has_ended_is_told_each_time),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, begin, NULL);
}
