/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files, pipes and sockets that do not do what is hoped for. A full disk is a
 * small tmpfs in a mount namespace of the test's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "flowlog/flow_sink.h"

#define SECOND_US INT64_C(1000000)
#define LINE_LEN 100 /* with its end */

static char folder[] = "/tmp/netpold-sink-XXXXXX";
static char path[sizeof(folder) + 16], target_path[sizeof(path)];
static struct flow_counts counts;
static struct flow_sink *sink;

/* ---- the world ----------------------------------------------------------- */

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", folder, "tmpfs", 0, "size=65536,nr_inodes=40") < 0) {
		fprintf(stderr,
			"this test mounts a small disk in a mount namespace "
			"of its own, which needs root (CAP_SYS_ADMIN): %s\n",
			strerror(errno));
		return -1;
	}
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	umount2(folder, MNT_DETACH);
	return rmdir(folder);
}

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Returns what flow_sink_open() does. */
static int try_to_open(enum flow_target_kind kind, const char *name,
		       uint64_t rotate_bytes)
{
	const struct flow_sink_options options = {
		.target = { .kind = kind, .path = name ? target_path : NULL },
		.rotate_bytes = rotate_bytes,
		.keep = 2,
	};
	struct err err;

	snprintf(target_path, sizeof(target_path), "%s",
		 in_folder(name ? name : ""));
	memset(&counts, 0, sizeof(counts));
	return flow_sink_open(&options, &counts, &sink, &err);
}

static void open_file(const char *name, uint64_t rotate_bytes)
{
	assert_int_equal(0, try_to_open(FLOW_TARGET_FILE, name, rotate_bytes));
}

/* Lines of LINE_LEN bytes, about one event each. */
static void put_lines(int n)
{
	const struct line_tally tally = { .first = 1 };
	char line[LINE_LEN];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < n; i++)
		flow_sink_put(sink, line, sizeof(line), &tally);
}

static uint64_t result(enum flow_result which)
{
	return flow_counts_get(&counts.results[which]);
}

static off_t size_of(const char *name)
{
	struct stat info;

	return stat(in_folder(name), &info) < 0 ? -1 : info.st_size;
}

static void forget(const char *name)
{
	unlink(in_folder(name));
}

/* So many are records, whole, and at most so many are none. */
static void check_lines(const char *name, uint64_t whole, unsigned int others)
{
	FILE *file = fopen(in_folder(name), "re");
	uint64_t n_whole = 0;
	unsigned int n_others = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	assert_non_null(file);
	while ((len = getline(&line, &size, file)) > 0) {
		n_whole += len == LINE_LEN;
		n_others += len != LINE_LEN;
	}
	free(line);
	fclose(file);
	assert_int_equal(whole, n_whole);
	assert_true(n_others <= others);
}

/* ---- files --------------------------------------------------------------- */

static void records_are_in_a_file_of_ours_alone(void **state)
{
	struct stat info;

	(void)state;
	open_file("flows", 1 << 20);
	put_lines(3);
	assert_int_equal(0, result(FLOW_LOGGED));
	flow_sink_work(sink, SECOND_US);
	assert_int_equal(3, result(FLOW_LOGGED));
	assert_int_equal(0, stat(in_folder("flows"), &info));
	assert_int_equal(3 * LINE_LEN, info.st_size);
	assert_int_equal(0600, info.st_mode & 0777);
	flow_sink_close(sink, 0);
	/* What was there stays. */
	open_file("flows", 1 << 20);
	put_lines(1);
	flow_sink_close(sink, 0);
	assert_int_equal(4 * LINE_LEN, size_of("flows"));
	forget("flows");
}

static void a_file_that_is_full_takes_the_name_of_an_older_one(void **state)
{
	(void)state;
	open_file("flows", 10 * LINE_LEN + 50);
	for (int i = 0; i < 25; i++) {
		put_lines(1);
		flow_sink_work(sink, SECOND_US);
	}
	assert_int_equal(5 * LINE_LEN, size_of("flows"));
	assert_int_equal(10 * LINE_LEN, size_of("flows.1"));
	assert_int_equal(10 * LINE_LEN, size_of("flows.2"));
	/* More than the old ones is not kept; many at once are cut at lines. */
	put_lines(20);
	flow_sink_work(sink, SECOND_US);
	assert_int_equal(5 * LINE_LEN, size_of("flows"));
	assert_int_equal(10 * LINE_LEN, size_of("flows.1"));
	assert_int_equal(10 * LINE_LEN, size_of("flows.2"));
	assert_int_equal(-1, size_of("flows.3"));
	assert_int_equal(45, result(FLOW_LOGGED));
	flow_sink_close(sink, 0);
	forget("flows");
	forget("flows.1");
	forget("flows.2");
}

static void a_file_that_was_moved_away_is_left_alone(void **state)
{
	char moved[sizeof(path)];

	(void)state;
	open_file("flows", 1 << 20);
	put_lines(2);
	flow_sink_work(sink, SECOND_US);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	assert_int_equal(0, rename(in_folder("flows"), moved));
	put_lines(1);
	flow_sink_work(sink, 3 * SECOND_US);
	assert_int_equal(1 * LINE_LEN, size_of("flows"));
	assert_int_equal(2 * LINE_LEN, size_of("moved"));
	/* At once, where somebody says so. */
	assert_int_equal(0, rename(in_folder("flows"), moved));
	flow_sink_reopen(sink);
	put_lines(3);
	flow_sink_work(sink, 3 * SECOND_US);
	assert_int_equal(3 * LINE_LEN, size_of("flows"));
	flow_sink_close(sink, 0);
	forget("flows");
	forget("moved");
}

/* One event each, and time for all that comes each second. */
static void put_lines_slowly(int n, int64_t *now_us)
{
	for (int i = 0; i < n; i++) {
		put_lines(1);
		flow_sink_work(sink, *now_us);
		*now_us += SECOND_US;
	}
}

#define N_BALLAST 64

static void name_ballast(int i, char name[16])
{
	snprintf(name, 16, "ballast%d", i);
}

/* Of names, not of bytes. */
static void use_up_files(void)
{
	char name[16];
	int fd = 0;

	for (int i = 0; i < N_BALLAST && fd >= 0; i++) {
		name_ballast(i, name);
		fd = open(in_folder(name), O_WRONLY | O_CREAT | O_CLOEXEC,
			  0600);
		if (fd >= 0)
			close(fd);
	}
	assert_true(fd < 0 && errno == ENOSPC);
}

static void give_files_back(void)
{
	char name[16];

	for (int i = 0; i < N_BALLAST; i++) {
		name_ballast(i, name);
		forget(name);
	}
}

static void a_file_that_has_no_successor_costs_no_older_one(void **state)
{
	int64_t now_us = SECOND_US;

	(void)state;
	open_file("flows", 10 * LINE_LEN);
	put_lines_slowly(25, &now_us);
	use_up_files();
	put_lines_slowly(25, &now_us);
	assert_int_equal(30 * LINE_LEN, size_of("flows"));
	assert_int_equal(10 * LINE_LEN, size_of("flows.1"));
	assert_int_equal(10 * LINE_LEN, size_of("flows.2"));
	give_files_back();
	put_lines_slowly(1, &now_us);
	assert_int_equal(1 * LINE_LEN, size_of("flows"));
	assert_int_equal(30 * LINE_LEN, size_of("flows.1"));
	assert_int_equal(10 * LINE_LEN, size_of("flows.2"));
	assert_int_equal(-1, size_of("flows.next"));
	assert_int_equal(51, result(FLOW_LOGGED));
	flow_sink_close(sink, 0);
	forget("flows");
	forget("flows.1");
	forget("flows.2");
}

/* As in a hand-over. */
static void of_two_that_write_to_a_file_one_rotates(void **state)
{
	struct flow_sink *other;

	(void)state;
	open_file("flows", 10 * LINE_LEN);
	put_lines(8);
	flow_sink_work(sink, SECOND_US);
	other = sink;
	open_file("flows", 10 * LINE_LEN);
	flow_sink_work(sink, SECOND_US);
	put_lines(4);
	flow_sink_work(sink, SECOND_US + 1);
	assert_int_equal(2 * LINE_LEN, size_of("flows"));
	flow_sink_close(sink, 0);
	/* Who has not seen that yet thinks that there is room for two. */
	sink = other;
	put_lines(5);
	flow_sink_work(sink, SECOND_US + 2);
	assert_int_equal(5 * LINE_LEN, size_of("flows"));
	assert_int_equal(12 * LINE_LEN, size_of("flows.1"));
	assert_int_equal(-1, size_of("flows.2"));
	flow_sink_close(sink, 0);
	forget("flows");
	forget("flows.1");
}

static void a_record_that_was_cut_off_does_not_spoil_the_next(void **state)
{
	static const char half[] = "{\"time\":\"20";
	int fd = open(in_folder("flows"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(strlen(half), write(fd, half, strlen(half)));
	close(fd);
	open_file("flows", 1 << 20);
	put_lines(2);
	flow_sink_work(sink, SECOND_US);
	flow_sink_close(sink, 0);
	check_lines("flows", 2, 1);
	/* One that is whole is followed by nothing. */
	open_file("flows", 1 << 20);
	put_lines(2);
	flow_sink_close(sink, 0);
	check_lines("flows", 4, 1);
	assert_int_equal(strlen(half) + 1 + 4 * LINE_LEN, size_of("flows"));
	forget("flows");
}

static void what_is_no_regular_file_is_refused(void **state)
{
	char link[sizeof(path)];

	(void)state;
	assert_int_equal(0, mkfifo(in_folder("pipe"), 0600));
	assert_true(try_to_open(FLOW_TARGET_FILE, "pipe", 4096) < 0);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(0, symlink("elsewhere", link));
	assert_true(try_to_open(FLOW_TARGET_FILE, "link", 4096) < 0);
	assert_true(try_to_open(FLOW_TARGET_FILE, "no/such", 4096) < 0);
	forget("pipe");
	forget("link");
}

static void fill_disk(void)
{
	static const char page[4096];
	int fd = open(in_folder("ballast"), O_WRONLY | O_CREAT | O_CLOEXEC,
		      0600);

	assert_true(fd >= 0);
	while (write(fd, page, sizeof(page)) > 0)
		;
	close(fd);
}

static bool ends_with_a_line(const char *name)
{
	int fd = open(in_folder(name), O_RDONLY | O_CLOEXEC);
	char last = 0;

	assert_true(fd >= 0);
	assert_int_equal(1, pread(fd, &last, 1, size_of(name) - 1));
	close(fd);
	return last == '\n';
}

static void of_a_full_disk_nothing_is_lost_but_what_does_not_fit(void **state)
{
	uint64_t logged;

	(void)state;
	open_file("flows", 1 << 20);
	put_lines(10);
	flow_sink_work(sink, SECOND_US);
	fill_disk();
	for (int i = 0; i < 10; i++) {
		put_lines(100);
		flow_sink_work(sink, SECOND_US);
	}
	logged = result(FLOW_LOGGED);
	assert_true(logged >= 10 && logged < 1010);
	assert_int_equal(1010 - logged, result(FLOW_LOST_WRITE));
	assert_int_equal(logged * LINE_LEN, size_of("flows"));
	assert_true(ends_with_a_line("flows"));
	/* When there is room again, it goes on. */
	forget("ballast");
	put_lines(5);
	flow_sink_work(sink, SECOND_US);
	assert_int_equal(logged + 5, result(FLOW_LOGGED));
	assert_int_equal((logged + 5) * LINE_LEN, size_of("flows"));
	flow_sink_close(sink, 0);
	forget("flows");
}

/* ---- sockets ------------------------------------------------------------- */

static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 in_folder(name));
	assert_int_equal(
		0, bind(fd, (struct sockaddr *)&address, sizeof(address)));
	assert_int_equal(0, listen(fd, 1));
	return fd;
}

/* All that has come. */
static size_t read_all(int fd)
{
	static char bytes[65536];
	size_t sum = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		sum += (size_t)n;
	return sum;
}

static void without_a_listener_records_are_lost(void **state)
{
	int listener, reader;

	(void)state;
	assert_int_equal(0, try_to_open(FLOW_TARGET_UNIX, "sock", 0));
	put_lines(2);
	flow_sink_work(sink, SECOND_US);
	assert_int_equal(2, result(FLOW_LOST_GONE));
	listener = listen_at("sock");
	/* It is not tried again at once. */
	put_lines(1);
	flow_sink_work(sink, SECOND_US);
	assert_int_equal(3, result(FLOW_LOST_GONE));
	put_lines(4);
	flow_sink_work(sink, 2 * SECOND_US);
	assert_int_equal(4, result(FLOW_LOGGED));
	reader = accept(listener, NULL, NULL);
	assert_int_equal(4 * LINE_LEN, read_all(reader));
	close(reader);
	close(listener);
	forget("sock");
	flow_sink_close(sink, 0);
}

static void a_reader_that_comes_back_goes_on_with_a_whole_record(void **state)
{
	int listener = listen_at("sock"), reader;

	(void)state;
	assert_int_equal(0, try_to_open(FLOW_TARGET_UNIX, "sock", 0));
	put_lines(1);
	flow_sink_work(sink, SECOND_US);
	reader = accept(listener, NULL, NULL);
	assert_int_equal(LINE_LEN, read_all(reader));
	close(reader);
	put_lines(7);
	flow_sink_work(sink, SECOND_US);
	assert_int_equal(7, result(FLOW_LOST_GONE));
	/* Not at once: he may hang up each time. */
	put_lines(1);
	flow_sink_work(sink, SECOND_US + 1);
	assert_int_equal(8, result(FLOW_LOST_GONE));
	put_lines(2);
	flow_sink_work(sink, 2 * SECOND_US);
	assert_int_equal(3, result(FLOW_LOGGED));
	reader = accept(listener, NULL, NULL);
	assert_int_equal(2 * LINE_LEN, read_all(reader));
	close(reader);
	close(listener);
	forget("sock");
	flow_sink_close(sink, 0);
}

/* Errors are told of on standard error. */
static int hush(void)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	int fd =
		open(in_folder("errors"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(saved >= 0 && fd >= 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return saved;
}

/* Returns how many lines there were. */
static unsigned int speak(int saved)
{
	FILE *file = fopen(in_folder("errors"), "re");
	unsigned int n = 0;
	int c;

	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_non_null(file);
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	forget("errors");
	return n;
}

#define STEP_US 10000

static void who_hangs_up_each_time_is_called_ever_less_often(void **state)
{
	int listener = listen_at("sock"), reader, errors, n_calls = 0;
	int64_t now_us = SECOND_US;
	unsigned int n_lines;

	(void)state;
	fcntl(listener, F_SETFL, O_NONBLOCK);
	assert_int_equal(0, try_to_open(FLOW_TARGET_UNIX, "sock", 0));
	errors = hush();
	for (; now_us < 6 * SECOND_US; now_us += STEP_US) {
		put_lines(1);
		flow_sink_work(sink, now_us);
		reader = accept(listener, NULL, NULL);
		if (reader < 0)
			continue;
		close(reader);
		n_calls++;
	}
	/* At 0, 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 seconds, or so. */
	if (n_calls < 3 || n_calls > 8)
		fail_msg("in 5 seconds it is called %d times", n_calls);
	/* Who stays is one again that is called at once, and told of. */
	for (now_us += 5 * SECOND_US, reader = -1; now_us < 14 * SECOND_US;
	     now_us += STEP_US) {
		put_lines(1);
		flow_sink_work(sink, now_us);
		if (reader < 0)
			reader = accept(listener, NULL, NULL);
	}
	assert_true(reader >= 0);
	close(reader);
	put_lines(1);
	flow_sink_work(sink, now_us);
	put_lines(1);
	flow_sink_work(sink, now_us + SECOND_US / 5);
	reader = accept(listener, NULL, NULL);
	assert_true(reader >= 0);
	close(reader);
	n_lines = speak(errors);
	if (n_lines != 3)
		fail_msg("bad, good, bad is told in %u lines", n_lines);
	close(listener);
	forget("sock");
	flow_sink_close(sink, 0);
}

#define MANY 100000

static void a_slow_reader_misses_what_the_buffer_does_not_hold(void **state)
{
	int listener = listen_at("sock"), reader;
	size_t bytes = 0;

	(void)state;
	assert_int_equal(0, try_to_open(FLOW_TARGET_UNIX, "sock", 0));
	flow_sink_work(sink, SECOND_US);
	reader = accept(listener, NULL, NULL);
	put_lines(MANY);
	assert_true(result(FLOW_LOST_SLOW) > 0);
	assert_int_equal(POLLOUT, flow_sink_poll(sink).events);
	assert_true(flow_sink_poll(sink).fd >= 0);
	while (flow_sink_poll(sink).fd >= 0) {
		bytes += read_all(reader);
		flow_sink_work(sink, SECOND_US);
	}
	bytes += read_all(reader);
	assert_int_equal(MANY, result(FLOW_LOGGED) + result(FLOW_LOST_SLOW));
	assert_int_equal(result(FLOW_LOGGED) * LINE_LEN, bytes);
	close(reader);
	close(listener);
	forget("sock");
	flow_sink_close(sink, 0);
}

static void who_never_reads_does_not_keep_us_from_ending(void **state)
{
	int listener = listen_at("sock");

	(void)state;
	assert_int_equal(0, try_to_open(FLOW_TARGET_UNIX, "sock", 0));
	put_lines(MANY);
	flow_sink_close(sink, 20);
	assert_int_equal(MANY, result(FLOW_LOGGED) + result(FLOW_LOST_SLOW));
	close(listener);
	forget("sock");
}

/* ---- standard output ----------------------------------------------------- */

static int saved_output;

static void take_output(int fd)
{
	fflush(stdout);
	saved_output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	dup2(fd, STDOUT_FILENO);
	assert_int_equal(0, try_to_open(FLOW_TARGET_STDOUT, NULL, 0));
}

static void give_output_back(void)
{
	dup2(saved_output, STDOUT_FILENO);
	close(saved_output);
}

/* Others write to it, too, and they may wait. */
static void standard_output_is_not_changed_for_others(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(0, pipe2(ends, O_CLOEXEC));
	take_output(ends[1]);
	put_lines(MANY);
	flow_sink_work(sink, SECOND_US);
	give_output_back();
	assert_true(result(FLOW_LOGGED) > 0);
	assert_true(result(FLOW_LOST_SLOW) > 0);
	assert_int_equal(0, fcntl(ends[1], F_GETFL) & O_NONBLOCK);
	close(ends[0]);
	close(ends[1]);
	put_lines(1);
	flow_sink_close(sink, 20);
	assert_int_equal(MANY + 1, result(FLOW_LOGGED) +
					   result(FLOW_LOST_SLOW) +
					   result(FLOW_LOST_GONE));
	assert_true(result(FLOW_LOST_GONE) > 0);
}

static void standard_output_may_be_a_socket_or_a_file(void **state)
{
	int ends[2];
	FILE *file = tmpfile();

	(void)state;
	assert_int_equal(
		0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	take_output(ends[0]);
	put_lines(MANY);
	flow_sink_work(sink, SECOND_US);
	give_output_back();
	assert_true(result(FLOW_LOST_SLOW) > 0);
	assert_true(read_all(ends[1]) > 0);
	flow_sink_close(sink, 0);
	close(ends[0]);
	close(ends[1]);
	assert_non_null(file);
	take_output(fileno(file));
	put_lines(10);
	flow_sink_close(sink, 0);
	give_output_back();
	assert_int_equal(10, result(FLOW_LOGGED));
	assert_int_equal(10 * LINE_LEN, lseek(fileno(file), 0, SEEK_END));
	fclose(file);
}

static void
standard_output_that_is_full_goes_on_when_there_is_room(void **state)
{
	int fd =
		open(in_folder("output"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	uint64_t logged;

	(void)state;
	assert_true(fd >= 0);
	take_output(fd);
	give_output_back();
	put_lines(10);
	flow_sink_work(sink, SECOND_US);
	fill_disk();
	for (int i = 0; i < 10; i++) {
		put_lines(100);
		flow_sink_work(sink, SECOND_US);
	}
	logged = result(FLOW_LOGGED);
	assert_true(logged >= 10 && logged < 1010);
	assert_int_equal(1010 - logged, result(FLOW_LOST_WRITE));
	forget("ballast");
	put_lines(5);
	flow_sink_work(sink, SECOND_US);
	assert_int_equal(logged + 5, result(FLOW_LOGGED));
	/* One that was cut off is a line of its own. */
	check_lines("output", logged + 5, 1);
	flow_sink_close(sink, 0);
	close(fd);
	forget("output");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_in_a_file_of_ours_alone),
		cmocka_unit_test(
			a_file_that_is_full_takes_the_name_of_an_older_one),
		cmocka_unit_test(a_file_that_was_moved_away_is_left_alone),
		cmocka_unit_test(
			a_file_that_has_no_successor_costs_no_older_one),
		cmocka_unit_test(of_two_that_write_to_a_file_one_rotates),
		cmocka_unit_test(
			a_record_that_was_cut_off_does_not_spoil_the_next),
		cmocka_unit_test(what_is_no_regular_file_is_refused),
		cmocka_unit_test(
			of_a_full_disk_nothing_is_lost_but_what_does_not_fit),
		cmocka_unit_test(without_a_listener_records_are_lost),
		cmocka_unit_test(
			a_reader_that_comes_back_goes_on_with_a_whole_record),
		cmocka_unit_test(
			who_hangs_up_each_time_is_called_ever_less_often),
		cmocka_unit_test(
			a_slow_reader_misses_what_the_buffer_does_not_hold),
		cmocka_unit_test(who_never_reads_does_not_keep_us_from_ending),
		cmocka_unit_test(standard_output_is_not_changed_for_others),
		cmocka_unit_test(standard_output_may_be_a_socket_or_a_file),
		cmocka_unit_test(
			standard_output_that_is_full_goes_on_when_there_is_room),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
