/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the warm file is written, by a clock that the test sets. Writing is seen
 * by the file itself: each time it is another one.
 */
#include <errno.h>
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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "warm.h"

#define S INT64_C(1000000)
#define PATIENCE_MS 10000

static const char *const paths[] = { "/m" };
static char folder[64], file[96];
static struct cluster *cluster;
static struct warm *warm;
static struct stat seen; /* the file, when it was looked at last */

/* Threads read it, too. */
static _Atomic int64_t now_us;
static _Atomic int64_t step_us; /* what each look at the clock takes */

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int64_t us = now_us;

	(void)clock;
	now_us += step_us;
	out->tv_sec = us / S;
	out->tv_nsec = us % S * 1000;
	return 0;
}

/* ---- a world ----------------------------------------------------------------
 */

static int set_up(void **state)
{
	(void)state;
	now_us = 100 * S;
	step_us = 0;
	seen = (struct stat){ 0 };
	snprintf(folder, sizeof(folder), "/tmp/netpold-warm-XXXXXX");
	cluster = cluster_new();
	if (!mkdtemp(folder) || !cluster)
		return -1;
	snprintf(file, sizeof(file), "%s/warm", folder);
	return warm_open(folder, "n", paths, 1, &warm, NULL);
}

static int take_down(void **state)
{
	(void)state;
	warm_close(warm);
	cluster_free(cluster);
	unlink(file);
	return rmdir(folder);
}

/* Each second, as the loop of the controller does it. */
static void pass(int seconds)
{
	for (int i = 0; i < seconds; i++) {
		now_us += S;
		warm_work(warm, cluster);
	}
}

/* Whether it is another one since the last time, which is waited for where it
   has to be. */
static bool was_written(bool expected)
{
	struct stat st;

	/* The thread that writes it, where one has begun, is waited for. */
	if (!warm_is_busy(warm))
		warm_finish(warm, NULL);
	for (int ms = 0;; ms++) {
		bool there = stat(file, &st) == 0;
		bool other =
			there && (st.st_ino != seen.st_ino ||
				  st.st_ctim.tv_sec != seen.st_ctim.tv_sec ||
				  st.st_ctim.tv_nsec != seen.st_ctim.tv_nsec);

		if (other != expected && expected && ms < PATIENCE_MS) {
			poll(NULL, 0, 1);
			continue;
		}
		if (there)
			seen = st;
		/* The thread that has written it is waited for. */
		warm_finish(warm, NULL);
		return other;
	}
}

/* ---- tests ------------------------------------------------------------------
 */

static void what_has_not_changed_is_not_written(void **state)
{
	(void)state;
	pass(100);
	assert_false(was_written(false));
}

static void
a_change_is_written_when_it_has_been_quiet_for_a_second(void **state)
{
	(void)state;
	warm_changed(warm);
	warm_work(warm, cluster);
	now_us += S - 1;
	warm_work(warm, cluster);
	assert_false(was_written(false));
	now_us += 1;
	warm_work(warm, cluster);
	assert_true(was_written(true));
	pass(100);
	assert_false(was_written(false));
}

static void it_is_written_every_five_seconds_at_most(void **state)
{
	(void)state;
	warm_changed(warm);
	pass(1);
	assert_true(was_written(true));
	warm_changed(warm);
	pass(4);
	assert_false(was_written(false));
	pass(1);
	assert_true(was_written(true));
}

static void changes_without_end_are_written_after_half_a_minute(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		warm_changed(warm);
		now_us += S / 2;
		warm_work(warm, cluster);
		if (i < 59)
			assert_false(was_written(false));
	}
	assert_true(was_written(true));
}

static void what_takes_long_is_done_seldom(void **state)
{
	(void)state;
	warm_changed(warm);
	now_us += S;
	step_us = S / 5; /* from before to after */
	warm_work(warm, cluster);
	step_us = 0;
	assert_true(was_written(true));
	warm_changed(warm);
	pass(15);
	assert_false(was_written(false));
	pass(30);
	assert_true(was_written(true));
}

static void while_the_store_changes_it_waits(void **state)
{
	(void)state;
	warm_changed(warm);
	now_us += 10 * S;
	warm_work(warm, NULL);
	assert_false(was_written(false));
	pass(1);
	assert_true(was_written(true));
}

static void the_end_writes_what_is_left(void **state)
{
	(void)state;
	warm_finish(warm, cluster);
	assert_false(was_written(false));
	warm_changed(warm);
	warm_finish(warm, cluster);
	assert_true(was_written(true));
	warm_finish(warm, cluster);
	assert_false(was_written(false));
}

/* More than are written at once. */
static void fill(void)
{
	for (int i = 0; i < 1200; i++) {
		char name[16];
		struct label label = { NAMESPACE_NAME_LABEL, name };
		const struct object namespace = {
			.kind = OBJECT_NAMESPACE,
			.namespace = { .name = name,
				       .uid = "",
				       .labels = { &label, 1 } },
		};

		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(1, cluster_put(cluster, &namespace, 0));
	}
}

static void check_whole(void)
{
	struct warm_state read;

	assert_true(was_written(true));
	assert_int_equal(1, warm_read(warm, &read));
	assert_int_equal(1200, cluster_count(read.cluster, OBJECT_NAMESPACE));
	warm_state_release(&read);
}

static void many_objects_are_written_a_few_at_a_time(void **state)
{
	int n = 1;

	(void)state;
	fill();
	warm_changed(warm);
	pass(1);
	assert_true(warm_is_busy(warm));
	for (; warm_is_busy(warm); n++)
		warm_work(warm, cluster);
	assert_int_equal(3, n);
	check_whole();
}

static void a_change_in_the_middle_begins_anew(void **state)
{
	(void)state;
	fill();
	warm_changed(warm);
	pass(1);
	assert_true(warm_is_busy(warm));
	warm_interrupt(warm);
	assert_false(warm_is_busy(warm));
	assert_false(was_written(false));
	warm_work(warm, cluster);
	assert_false(warm_is_busy(warm));
	pass(3);
	check_whole();
}

static void who_is_always_interrupted_writes_in_one_go(void **state)
{
	(void)state;
	fill();
	warm_changed(warm);
	for (int i = 0; i < 29; i++) {
		pass(1);
		warm_interrupt(warm);
	}
	assert_false(was_written(false));
	pass(1);
	assert_false(warm_is_busy(warm));
	check_whole();
}

static void the_end_writes_what_was_begun(void **state)
{
	(void)state;
	fill();
	warm_changed(warm);
	pass(1);
	warm_finish(warm, cluster);
	check_whole();
}

static void who_closes_in_the_middle_leaves_nothing_behind(void **state)
{
	(void)state;
	fill();
	warm_changed(warm);
	pass(1);
	assert_true(warm_is_busy(warm));
	/* take_down() finds an empty folder. */
}

/* The folder is gone, and something else is in its place. */
static void what_could_not_be_written_is_tried_again(void **state)
{
	FILE *other;

	(void)state;
	assert_int_equal(0, rmdir(folder));
	other = fopen(folder, "we");
	assert_non_null(other);
	fclose(other);
	warm_changed(warm);
	pass(20);
	assert_int_equal(0, unlink(folder));
	pass(10);
	assert_true(was_written(true));
}

static void what_was_written_is_read_and_compiled(void **state)
{
	struct warm_state read;
	struct snapshot *snapshot;

	(void)state;
	assert_int_equal(0, warm_read(warm, &read));
	warm_changed(warm);
	warm_finish(warm, cluster);
	assert_int_equal(1, warm_read(warm, &read));
	assert_int_equal(0, warm_compile(warm, &read, &snapshot, NULL));
	assert_int_equal(0, snapshot_counts(snapshot).pods);
	snapshot_free(snapshot);
	warm_state_release(&read);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, take_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_has_not_changed_is_not_written),
		TEST(a_change_is_written_when_it_has_been_quiet_for_a_second),
		TEST(it_is_written_every_five_seconds_at_most),
		TEST(changes_without_end_are_written_after_half_a_minute),
		TEST(what_takes_long_is_done_seldom),
		TEST(while_the_store_changes_it_waits),
		TEST(the_end_writes_what_is_left),
		TEST(many_objects_are_written_a_few_at_a_time),
		TEST(a_change_in_the_middle_begins_anew),
		TEST(who_is_always_interrupted_writes_in_one_go),
		TEST(the_end_writes_what_was_begun),
		TEST(who_closes_in_the_middle_leaves_nothing_behind),
		TEST(what_could_not_be_written_is_tried_again),
		TEST(what_was_written_is_read_and_compiled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
