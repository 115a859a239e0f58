/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The value of "name=" in FAULT_POINTS; NULL where it is not there. */
static const char *find(const char *name)
{
	const char *points = getenv("FAULT_POINTS");
	size_t len = strlen(name);

	while (points && *points) {
		if (strncmp(points, name, len) == 0 && points[len] == '=')
			return points + len + 1;
		points = strchr(points, ',');
		points += points != NULL;
	}
	return NULL;
}

void fault_delay(const char *point)
{
	const char *ms = find(point);
	struct timespec delay;

	if (!ms)
		return;
	delay.tv_sec = strtol(ms, NULL, 10) / 1000;
	delay.tv_nsec = strtol(ms, NULL, 10) % 1000 * 1000000;
	nanosleep(&delay, NULL);
}

bool fault_stands(const char *guard)
{
	const char *missing = find("without");

	return !missing || strncmp(missing, guard, strlen(guard)) != 0;
}

void fault_strike(const char *step)
{
	const char *how = find(step);

	if (how && strncmp(how, "kill", strlen("kill")) == 0)
		kill(getpid(), SIGKILL);
	if (how && strncmp(how, "stop", strlen("stop")) == 0)
		kill(getpid(), SIGSTOP);
}

unsigned int fault_number(const char *name, unsigned int otherwise)
{
	const char *number = find(name);

	return number ? (unsigned int)strtoul(number, NULL, 10) : otherwise;
}

/* ---- a breach ------------------------------------------------------------ */

/* None of them does anything where it is let through, but for what it opens:
   paths lead nowhere, flags contradict each other. */
static long start_program(void)
{
	char *argv[] = { NULL };

	return execve("/nowhere/program", argv, argv);
}

static int never(void *ctx)
{
	(void)ctx;
	return 0;
}

static long start_process(void)
{
	char stack[64];

	return clone(never, stack + sizeof(stack), CLONE_SIGHAND, NULL);
}

static long write_file(void)
{
	return open("/nowhere/file", O_WRONLY | O_CREAT, 0600);
}

static long read_file(void)
{
	return open("/nowhere/file", O_RDONLY);
}

static long move_file(void)
{
	return rename("/nowhere/file", "/nowhere/other");
}

static long look_into(void)
{
	return ptrace(PTRACE_ATTACH, -1, NULL, NULL);
}

static long make_code(void)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return code == MAP_FAILED ? -1 : munmap(code, 4096);
}

static long make_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? -1 : close(fd);
}

void fault_breach(const char *role)
{
	static const struct {
		const char *what;
		long (*attempt)(void);
	} attempts[] = {
		{ "program", start_program }, { "process", start_process },
		{ "write", write_file },      { "read", read_file },
		{ "move", move_file },	      { "trace", look_into },
		{ "code", make_code },	      { "socket", make_socket },
	};
	char text[256];
	size_t n = 0;

	if (!find("breach"))
		return;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		errno = 0;
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, " %s=%s", attempts[i].what,
			attempts[i].attempt() < 0 ? strerrorname_np(errno)
						  : "done");
	}
	fprintf(stderr, "breach: %s:%s\n", role, text);
}
