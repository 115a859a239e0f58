/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/runner.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "fault.h"

/* Rules of some thousand chains; what programs say is bounded by process.c. */
#define MAX_TEXT (16u << 20)

/* Both ends are one program: what goes between them is as it is in memory. A
   text follows each, of @len bytes, without its end. */
struct request {
	struct errand errand;
	uint64_t len;
};

struct reply {
	int code; /* of errand_run(); a failure has no text */
	int status;
	uint64_t len;
	struct err err;
};

/* The helper, as those who ask see it. */
static struct {
	pthread_mutex_t lock; /* held from question to answer */
	bool hired;	      /* before threads start */
	int fd;		      /* -1: it is not there any more */
	_Atomic int state; /* enum runner_state; says nothing of other data */
} runner = { .lock = PTHREAD_MUTEX_INITIALIZER,
	     .fd = -1,
	     .state = RUNNER_WORKS };

/* ---- the socket ----------------------------------------------------------
 * What fails with EAGAIN has waited for as long as it may; at the helper's end
 * there is no bound.
 */

static bool put(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool get(int fd, void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n = recv(fd, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EPIPE;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* NULL where it does not come. malloc()ed, with a zero byte at its end. */
static char *get_text(int fd, uint64_t len)
{
	char *text = malloc(len + 1);

	if (text && get(fd, text, len)) {
		text[len] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

/* ---- asking -------------------------------------------------------------- */

int64_t runner_patience_us(void)
{
	return fault_number("runner-patience", RUNNER_PATIENCE_S) *
	       INT64_C(1000000);
}

void runner_hire(int fd)
{
	const struct timeval patience = { .tv_sec = runner_patience_us() /
						    1000000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	runner.fd = fd;
	runner.hired = true;
}

/* With the lock. */
static void hang_up(enum runner_state why)
{
	if (runner.fd < 0)
		return;
	close(runner.fd);
	runner.fd = -1;
	atomic_store_explicit(&runner.state, why, memory_order_relaxed);
}

enum runner_state runner_state(void)
{
	return (enum runner_state)atomic_load_explicit(&runner.state,
						       memory_order_relaxed);
}

void runner_dismiss(void)
{
	pthread_mutex_lock(&runner.lock);
	hang_up(RUNNER_LOST);
	pthread_mutex_unlock(&runner.lock);
}

/* Returns false where the helper has ended, or, with EAGAIN, hangs. */
static bool converse(const struct errand *errand, const char *text,
		     struct reply *reply, char **output)
{
	const struct request request = { .errand = *errand,
					 .len = text ? strlen(text) : 0 };

	if (!put(runner.fd, &request, sizeof(request)) ||
	    (request.len && !put(runner.fd, text, request.len)) ||
	    !get(runner.fd, reply, sizeof(*reply)))
		return false;
	if (reply->code < 0)
		return true;
	*output = get_text(runner.fd, reply->len);
	return *output;
}

static int have_run(const struct errand *errand, const char *text,
		    struct process_result *result, struct err *err)
{
	struct reply reply = { .code = 0 };
	char *output = NULL;

	if (runner.fd >= 0 && !converse(errand, text, &reply, &output))
		hang_up(errno == EAGAIN ? RUNNER_HUNG : RUNNER_LOST);
	if (runner.fd < 0)
		return err_set(err, -EPIPE,
			       "the process that runs iptables %s: restart "
			       "netpold",
			       runner_state() == RUNNER_HUNG ? "hangs"
							     : "has ended");
	if (reply.code < 0)
		return err_set(err, reply.code, "%s", reply.err.message);
	*result = (struct process_result){ .status = reply.status,
					   .output = output,
					   .len = (size_t)reply.len };
	return 0;
}

int runner_run(const struct errand *errand, const char *text,
	       struct process_result *result, struct err *err)
{
	int r;

	memset(result, 0, sizeof(*result));
	if (!runner.hired)
		return errand_run(errand, text, result, err);
	pthread_mutex_lock(&runner.lock);
	r = have_run(errand, text, result, err);
	pthread_mutex_unlock(&runner.lock);
	return r;
}

/* ---- being asked --------------------------------------------------------- */

static void free_text(char **text)
{
	free(*text);
}

bool runner_serve(int fd)
{
	CLEANUP(process_result_release) struct process_result result = { 0 };
	CLEANUP(free_text) char *text = NULL;
	struct reply reply = { .code = 0 };
	struct request request;

	if (!get(fd, &request, sizeof(request)) || request.len > MAX_TEXT)
		return false;
	text = get_text(fd, request.len);
	if (!text)
		return false;
	reply.code = errand_run(&request.errand, text, &result, &reply.err);
	reply.status = result.status;
	reply.len = result.len;
	if (!put(fd, &reply, sizeof(reply)))
		return false;
	return reply.code < 0 || put(fd, result.output, result.len);
}
