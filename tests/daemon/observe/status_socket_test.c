/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "observe/status_socket.h"

/* Each test works in a folder of its own, which is the current one. */
static char workplace[64];

static int enter(void **state)
{
	(void)state;
	strcpy(workplace, "/tmp/netpold-socket-XXXXXX");
	return mkdtemp(workplace) && chdir(workplace) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", workplace);
	/* NOLINTNEXTLINE(cert-env33-c) */
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), code;

	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	code = -errno;
	close(fd);
	return code;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(0, lstat(path, &st));
	return st.st_mode & 07777;
}

static void open_at(const char *path, struct status_socket *socket)
{
	struct err err;

	if (status_socket_open(path, socket, &err) < 0)
		fail_msg("%s", err.message);
}

static void expect_refusal(const char *path, int code, const char *words)
{
	struct status_socket socket = { .fd = -1 };
	struct err err;

	assert_int_equal(code, status_socket_open(path, &socket, &err));
	if (!strstr(err.message, words))
		fail_msg("expected … %s …, got %s", words, err.message);
}

static void it_is_for_its_owner_only(void **state)
{
	struct status_socket socket;
	mode_t mask = umask(0);

	(void)state;
	open_at("status.sock", &socket);
	assert_int_equal(0600, mode_of("status.sock"));
	status_socket_close(&socket);
	umask(mask);
}

static void its_folder_is_made(void **state)
{
	struct status_socket socket;

	(void)state;
	open_at("netpold/status.sock", &socket);
	assert_int_equal(0755, mode_of("netpold"));
	assert_true(connect_to("netpold/status.sock") >= 0);
	status_socket_close(&socket);
	assert_int_equal(-1, access("netpold/status.sock", F_OK));
}

static void die_with_a_socket(void)
{
	struct status_socket socket;
	pid_t child = fork();

	if (child == 0)
		_exit(status_socket_open("status.sock", &socket, NULL) < 0);
	assert_int_equal(child, waitpid(child, NULL, 0));
}

static void a_dead_daemons_socket_is_replaced(void **state)
{
	struct status_socket socket;

	(void)state;
	die_with_a_socket();
	assert_int_equal(-ECONNREFUSED, connect_to("status.sock"));
	open_at("status.sock", &socket);
	assert_true(connect_to("status.sock") >= 0);
	status_socket_close(&socket);
}

static void a_living_daemon_is_left_alone(void **state)
{
	struct status_socket socket;

	(void)state;
	open_at("status.sock", &socket);
	expect_refusal("status.sock", -EADDRINUSE, "another netpold");
	/* Also where nobody gets in any more. */
	while (connect_to("status.sock") >= 0)
		;
	expect_refusal("status.sock", -EADDRINUSE, "another netpold");
	status_socket_close(&socket);
	assert_int_equal(-ENOENT, connect_to("status.sock"));
}

static void what_is_no_socket_is_left_alone(void **state)
{
	FILE *file = fopen("status.sock", "w");

	(void)state;
	assert_non_null(file);
	fclose(file);
	expect_refusal("status.sock", -EEXIST, "is no socket");
	assert_int_equal(0, symlink("elsewhere", "link.sock"));
	expect_refusal("link.sock", -EEXIST, "is no socket");
}

static void what_cannot_be_made_is_refused(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	expect_refusal(path, -ENAMETOOLONG, "too long");
	expect_refusal("/proc/netpold/s", -ENOENT, "cannot make the folder");
	expect_refusal("/dev/null/s", -ENOTDIR, "/dev/null");
}

static void a_successors_socket_is_left_alone(void **state)
{
	struct status_socket ours, theirs;

	(void)state;
	open_at("status.sock", &ours);
	assert_int_equal(0, rename("status.sock", "old.sock"));
	open_at("status.sock", &theirs);
	status_socket_close(&ours);
	assert_true(connect_to("status.sock") >= 0);
	status_socket_close(&theirs);
}

/* Anybody who may read a folder can lock it. The alarm ends a test that waits
   for ever. */
static void a_folder_that_somebody_keeps_locked_is_refused(void **state)
{
	struct status_socket socket;
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(0, flock(fd, LOCK_EX));
	alarm(30);
	expect_refusal("status.sock", -EWOULDBLOCK, "held the lock");
	alarm(0);
	assert_int_equal(-1, access("status.sock", F_OK));
	close(fd);
	open_at("status.sock", &socket);
	status_socket_close(&socket);
}

/* Of many that start at once, one is in, and its file stands. */
#define N_AT_ONCE 8

static void of_many_at_once_one_is_in(void **state)
{
	struct status_socket socket;
	pid_t children[N_AT_ONCE];
	int ready[2], n_in = 0;
	char answer;

	(void)state;
	die_with_a_socket();
	assert_int_equal(0, pipe(ready));
	for (int i = 0; i < N_AT_ONCE; i++) {
		children[i] = fork();
		if (children[i] > 0)
			continue;
		answer = status_socket_open("status.sock", &socket, NULL) == 0;
		if (write(ready[1], &answer, 1) == 1)
			pause();
		_exit(0);
	}
	for (int i = 0; i < N_AT_ONCE; i++) {
		assert_int_equal(1, read(ready[0], &answer, 1));
		n_in += answer;
	}
	assert_int_equal(1, n_in);
	assert_true(connect_to("status.sock") >= 0);
	for (int i = 0; i < N_AT_ONCE; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
}

/* One that leaves it to another takes nothing away; that one does in its time.
 */
static void it_goes_from_one_to_the_other(void **state)
{
	struct status_socket socket, other;

	(void)state;
	open_at("status.sock", &socket);
	assert_int_equal(0, status_socket_adopt("status.sock", dup(socket.fd),
						&other, NULL));
	status_socket_leave(&socket);
	assert_true(connect_to("status.sock") >= 0);
	status_socket_close(&other);
	assert_int_equal(-1, access("status.sock", F_OK));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_for_its_owner_only),
		TEST(its_folder_is_made),
		TEST(a_dead_daemons_socket_is_replaced),
		TEST(it_goes_from_one_to_the_other),
		TEST(a_living_daemon_is_left_alone),
		TEST(what_is_no_socket_is_left_alone),
		TEST(what_cannot_be_made_is_refused),
		TEST(a_successors_socket_is_left_alone),
		TEST(a_folder_that_somebody_keeps_locked_is_refused),
		TEST(of_many_at_once_one_is_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
