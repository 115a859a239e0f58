/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Rule listings of large nodes are some megabytes. */
#define MAX_OUTPUT (64u << 20)

extern char **environ;

struct pipes {
	int in[2];
	int out[2];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&p->in[i]);
		close_fd(&p->out[i]);
	}
}

static int spawn(const char *const argv[], struct pipes *p, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, ignored;
	int r;

	/* The daemon blocks signals to read them from a descriptor, and ignores
	   SIGPIPE; its children must not inherit that. */
	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &ignored);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, p->in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, p->out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, p->out[1], STDERR_FILENO);
	/* posix_spawn(3) does not write to its arguments. */
	r = posix_spawnp(pid, argv[0], &actions, &attr,
			 (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

static int append(struct process_result *result, const char *data, size_t n)
{
	char *grown;

	if (result->len + n > MAX_OUTPUT)
		n = MAX_OUTPUT - result->len;
	grown = realloc(result->output, result->len + n + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + result->len, data, n);
	result->output = grown;
	result->len += n;
	grown[result->len] = '\0';
	return 0;
}

static void write_some(int *fd, const char **input)
{
	ssize_t n = write(*fd, *input, strlen(*input));

	if (n > 0)
		*input += n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || !**input)
		close_fd(fd);
}

/* Feed and drain together, so that neither side waits for the other. */
static int converse(struct pipes *p, const char *input,
		    struct process_result *result)
{
	while (p->out[0] >= 0) {
		struct pollfd fds[] = {
			{ .fd = p->out[0], .events = POLLIN },
			{ .fd = p->in[1], .events = POLLOUT },
		};
		char data[4096];
		ssize_t n;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			write_some(&p->in[1], &input);
		if (!fds[0].revents)
			continue;
		n = read(p->out[0], data, sizeof(data));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close_fd(&p->out[0]);
			break;
		}
		if (append(result, data, (size_t)n) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_run(const char *const argv[], const char *input,
		struct process_result *result, struct err *err)
{
	struct pipes p = { { -1, -1 }, { -1, -1 } };
	pid_t pid;
	int r;

	memset(result, 0, sizeof(*result));
	if (append(result, "", 0) < 0)
		return err_set(err, -ENOMEM, "no memory to run '%s'", argv[0]);
	if (pipe2(p.in, O_CLOEXEC) < 0 || pipe2(p.out, O_CLOEXEC) < 0) {
		r = -errno;
		close_pipes(&p);
		return err_set(err, r, "cannot run '%s': %s", argv[0],
			       strerror(-r));
	}
	r = spawn(argv, &p, &pid);
	close_fd(&p.in[0]);
	close_fd(&p.out[1]);
	if (r < 0) {
		close_pipes(&p);
		return err_set(err, r, "cannot run '%s': %s", argv[0],
			       strerror(-r));
	}
	if (!input || !*input)
		close_fd(&p.in[1]);
	r = converse(&p, input, result);
	close_pipes(&p);
	result->status = wait_for(pid);
	if (r < 0)
		return err_set(err, r, "cannot read what '%s' says: %s",
			       argv[0], strerror(-r));
	return 0;
}

void process_result_release(struct process_result *result)
{
	free(result->output);
	memset(result, 0, sizeof(*result));
}
