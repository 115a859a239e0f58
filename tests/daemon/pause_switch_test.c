/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emergency switch by a clock that the test sets, and what it tells the
 * log, which is standard error.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pause_switch.h"

#define S INT64_C(1000000)

static const struct pause_request ten_minutes = { .for_us = 600 * S,
						  .reason = "why" };
static const struct pause_request a_minute = { .for_us = 60 * S };

static int64_t now_us;
static char folder[64];
static int log_fd, stderr_fd;

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

/* All clocks go alike; that on the wall says 2023-11-14T22:13:20Z at 1000 s. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int64_t us = now_us;

	if (clock == CLOCK_REALTIME)
		us += 1699999000 * S;
	out->tv_sec = us / S;
	out->tv_nsec = us % S * 1000;
	return 0;
}

/* ---- a log ------------------------------------------------------------------
 */

static int set_up(void **state)
{
	char path[] = "/tmp/netpold-log-XXXXXX";

	(void)state;
	now_us = 1000 * S;
	snprintf(folder, sizeof(folder), "/tmp/netpold-switch-XXXXXX");
	log_fd = mkstemp(path);
	if (log_fd < 0 || unlink(path) < 0 || !mkdtemp(folder))
		return -1;
	stderr_fd = dup(STDERR_FILENO);
	return dup2(log_fd, STDERR_FILENO) < 0 ? -1 : 0;
}

static int take_down(void **state)
{
	(void)state;
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	close(log_fd);
	pause_forget(folder, NULL);
	return rmdir(folder);
}

/* What was logged since the last time. */
static const char *said(void)
{
	static char text[4096];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(0, ftruncate(log_fd, 0));
	assert_int_equal(0, lseek(log_fd, 0, SEEK_SET));
	return text;
}

static struct pause_switch *open_switch(const char *where, const char *node)
{
	struct pause_switch *sw;

	assert_int_equal(0, pause_switch_open(where, node, &sw, NULL));
	return sw;
}

/* ---- tests ------------------------------------------------------------------
 */

static void the_log_is_told_at_once_and_each_minute(void **state)
{
	struct pause_switch *sw = open_switch(folder, "n");

	(void)state;
	pause_switch_remind(sw);
	assert_string_equal("", said());
	assert_int_equal(0, pause_switch_begin(sw, &ten_minutes, NULL));
	assert_string_equal("netpold: warning: enforcement is PAUSED until "
			    "2023-11-14T22:23:20.000Z, for 600 s: nothing is "
			    "denied on this node; reason: why\n",
			    said());
	now_us += 60 * S - 1;
	pause_switch_remind(sw);
	assert_string_equal("", said());
	now_us += 1;
	pause_switch_remind(sw);
	assert_string_equal("netpold: warning: enforcement is still PAUSED "
			    "until 2023-11-14T22:23:20.000Z, for 540 s: "
			    "nothing is denied on this node; reason: why\n",
			    said());
	pause_switch_remind(sw);
	assert_string_equal("", said());
	pause_switch_ended(sw);
	now_us += 600 * S;
	pause_switch_remind(sw);
	assert_string_equal("", said());
	pause_switch_close(sw);
}

static void it_is_due_at_its_end_and_not_before(void **state)
{
	struct pause_switch *sw = open_switch(folder, "n");

	(void)state;
	assert_false(pause_switch_is_due(sw));
	assert_null(pause_switch_pause(sw));
	assert_int_equal(0, pause_switch_begin(sw, &ten_minutes, NULL));
	now_us += 600 * S - 1;
	assert_false(pause_switch_is_due(sw));
	now_us += 1;
	assert_true(pause_switch_is_due(sw));
	assert_non_null(
		pause_switch_pause(sw)); /* until it is said to be over */
	pause_switch_ended(sw);
	assert_false(pause_switch_is_due(sw));
	assert_null(pause_switch_pause(sw));
	pause_switch_close(sw);
}

static void the_last_word_counts(void **state)
{
	struct pause_switch *sw = open_switch(folder, "n");

	(void)state;
	pause_switch_begin(sw, &ten_minutes, NULL);
	now_us += 5 * S;
	pause_switch_begin(sw, &a_minute, NULL);
	assert_int_equal(60 * S, pause_left_us(pause_switch_pause(sw)));
	assert_int_equal((1699999000 + 1000) * S,
			 pause_switch_pause(sw)->since_us);
	assert_string_equal("", pause_switch_pause(sw)->reason);
	pause_switch_close(sw);
}

static void a_restart_finds_it_again(void **state)
{
	struct pause_switch *sw = open_switch(folder, "n");

	(void)state;
	pause_switch_begin(sw, &ten_minutes, NULL);
	pause_switch_close(sw);
	now_us += 300 * S;
	said();
	sw = open_switch(folder, "n");
	assert_non_null(strstr(said(), "enforcement stays PAUSED until "
				       "2023-11-14T22:23:20.000Z, for 300 s"));
	assert_int_equal(300 * S, pause_left_us(pause_switch_pause(sw)));
	pause_switch_close(sw);
	now_us += 300 * S;
	sw = open_switch(folder, "n");
	assert_null(pause_switch_pause(sw));
	assert_string_equal("netpold: a pause that an earlier run has begun is "
			    "over\n",
			    said());
	pause_switch_close(sw);
	sw = open_switch(folder, "n");
	assert_string_equal("", said());
	pause_switch_close(sw);
}

static void one_that_is_cut_short_does_not_come_back(void **state)
{
	struct pause_switch *sw = open_switch(folder, "n");

	(void)state;
	pause_switch_begin(sw, &ten_minutes, NULL);
	assert_int_equal(0, pause_switch_cut(sw, NULL));
	assert_true(pause_switch_is_due(sw));
	pause_switch_close(sw); /* as if it had been killed here */
	sw = open_switch(folder, "n");
	assert_null(pause_switch_pause(sw));
	pause_switch_close(sw);
}

static void what_cannot_be_kept_is_there_all_the_same(void **state)
{
	static const struct {
		const char *folder, *words;
	} rows[] = {
		{ "", "does not outlive a restart of netpold: --state-dir is "
		      "empty" },
		{ "/proc/nothing", "does not outlive a restart of netpold: "
				   "cannot write '/proc/nothing/pause'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pause_switch *sw = open_switch(rows[i].folder, "n");
		struct err err = { 0 };

		assert_true(pause_switch_begin(sw, &ten_minutes, &err) < 0);
		assert_non_null(strstr(err.message, rows[i].words));
		assert_non_null(strstr(said(), rows[i].words));
		assert_non_null(pause_switch_pause(sw));
		pause_switch_close(sw);
	}
}

static void a_file_of_another_node_is_told_and_ignored(void **state)
{
	struct pause_switch *sw = open_switch(folder, "n");

	(void)state;
	pause_switch_begin(sw, &ten_minutes, NULL);
	pause_switch_close(sw);
	said();
	sw = open_switch(folder, "m");
	assert_null(pause_switch_pause(sw));
	assert_string_equal("netpold: warning: the file of a pause is one of "
			    "node 'n': it is ignored, nothing is paused\n",
			    said());
	pause_switch_close(sw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, take_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_log_is_told_at_once_and_each_minute),
		TEST(it_is_due_at_its_end_and_not_before),
		TEST(the_last_word_counts),
		TEST(a_restart_finds_it_again),
		TEST(one_that_is_cut_short_does_not_come_back),
		TEST(what_cannot_be_kept_is_there_all_the_same),
		TEST(a_file_of_another_node_is_told_and_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
