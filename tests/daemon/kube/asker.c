/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks what it is told to ask, for http2_test.py. Its argument is a kubeconfig;
 * of its standard input it takes lines, and says what comes of them:
 *
 *	get PATH	call 0, the next one 1 …
 *	cancel N	call N
 *	later S		from now on it is S seconds later, to us: what libcurl
 *			and the kernel wait for stays as it is
 *	options		of each socket of TCP
 *
 *	N begin TYPE
 *	N body TEXT
 *	N end STATUS ERROR MESSAGE
 *	socket KEEPALIVE IDLE_S INTERVAL_S COUNT USER_TIMEOUT_MS
 *
 * It ends with its input.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kube/access.h"
#include "kube/http.h"

#define MAX_CALLS 64
#define MAX_FDS 64

struct asking {
	unsigned int number;
	struct http_call *call; /* NULL: over */
};

static struct asking askings[MAX_CALLS];
static unsigned int n_askings;
static struct http *http;

/* ---- a clock that can be set ------------------------------------------------
 */

static time_t later_s;

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int r = __real_clock_gettime(clock, out);

	out->tv_sec += later_s;
	return r;
}

/* ---- calls ------------------------------------------------------------------
 */

static int on_begin(void *ctx, const char *content_type)
{
	const struct asking *asking = ctx;

	printf("%u begin %s\n", asking->number, content_type);
	return 0;
}

static int on_body(void *ctx, const char *bytes, size_t len)
{
	const struct asking *asking = ctx;

	printf("%u body %.*s\n", asking->number, (int)len, bytes);
	return 0;
}

static void on_end(void *ctx, const struct http_end *end, const char *body,
		   size_t len)
{
	struct asking *asking = ctx;

	(void)body;
	(void)len;
	asking->call = NULL;
	printf("%u end %ld %d %s\n", asking->number, end->status, end->error,
	       end->message);
}

static void get(const char *path)
{
	struct asking *asking = &askings[n_askings];
	struct http_get what = {
		.path = path,
		.accept = "application/json",
		.begin = on_begin,
		.body = on_body,
		.end = on_end,
		.ctx = asking,
	};

	if (n_askings == MAX_CALLS)
		exit(2);
	asking->number = n_askings++;
	asking->call = http_begin(http, &what);
}

static int option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, option, &value, &len) < 0 ? -1 : value;
}

static void tell_options(void)
{
	for (int fd = 0; fd < MAX_FDS; fd++) {
		if (option_of(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP)
			continue;
		printf("socket %d %d %d %d %d\n",
		       option_of(fd, SOL_SOCKET, SO_KEEPALIVE),
		       option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE),
		       option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL),
		       option_of(fd, IPPROTO_TCP, TCP_KEEPCNT),
		       option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
	}
}

static void obey(const char *line)
{
	if (strncmp(line, "get ", 4) == 0) {
		get(line + 4);
	} else if (strncmp(line, "cancel ", 7) == 0) {
		struct asking *asking = &askings[atoi(line + 7) % MAX_CALLS];

		http_cancel(asking->call);
		asking->call = NULL;
	} else if (strncmp(line, "later ", 6) == 0) {
		later_s += atoi(line + 6);
	} else if (strcmp(line, "options") == 0) {
		tell_options();
	} else {
		exit(2);
	}
}

/* Lines come whole, one by one: whoever sends them waits for an answer. */
static bool read_line(void)
{
	char line[256];
	ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (len <= 0)
		return false;
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	obey(line);
	printf("done\n");
	return true;
}

int main(int argc, char **argv)
{
	struct kube_choice choice = { argc > 1 ? argv[1] : NULL, NULL };
	struct kube_access access;
	struct err err = { 0 };
	bool goes_on = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (kube_access_find(&choice, &access, &err) < 0 ||
	    http_open(&access, &http, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	while (goes_on) {
		struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 },
					{ http_fd(http), POLLIN, 0 } };

		poll(fds, 2, -1);
		if (fds[1].revents)
			http_work(http);
		if (fds[0].revents)
			goes_on = read_line();
	}
	http_close(http);
	kube_access_release(&access);
	return 0;
}
