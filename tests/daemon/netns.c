/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define CHILD_FAILED 126

int netns_enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr,
			"this test makes a network namespace of its own, which "
			"needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN): %s\n",
			strerror(errno));
		return -1;
	}
	if (netns_run("ip link set lo up") != 0) {
		fprintf(stderr, "this test needs 'ip' (iproute2)\n");
		return -1;
	}
	return 0;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int netns_run(const char *fmt, ...)
{
	char command[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	/* The commands are the test's own. */
	return exit_status(system(command)); /* NOLINT(cert-env33-c) */
}

int netns_read(char *text, int size, const char *fmt, ...)
{
	char command[1024];
	va_list args;
	FILE *pipe;
	size_t n;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	pipe = popen(command, "re"); /* NOLINT(cert-env33-c) */
	if (!pipe)
		return -1;
	n = fread(text, 1, (size_t)size - 1, pipe);
	text[n] = '\0';
	return exit_status(pclose(pipe));
}

int netns_without_root(int (*body)(void *ctx), void *ctx)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		return -1;
	if (child == 0) {
		if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
			_exit(CHILD_FAILED);
		_exit(body(ctx));
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return exit_status(status);
}
