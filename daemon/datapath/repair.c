/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "confine.h"
#include "datapath/iptables.h"
#include "datapath/mark.h"
#include "datapath/runner.h"
#include "datapath/standing.h"
#include "descriptors.h"
#include "fault.h"
#include "log.h"
#include "privilege.h"

/* Whatever somebody does to the rules is undone within five seconds, also where
   the sets have to be made again first, by the daemon. */
#define INTERVAL_MS 2000
#define RETRY_MS 500

/* How long it may take the helper to end: it may wait for the lock of iptables.
   Less than a kubelet or systemd waits for us. */
#define STOP_PATIENCE_S 12

/* What the helper has of the daemon's descriptors, besides the lock, which it
   gets with its first request: where it is told what to watch, and where it is
   asked to run iptables (runner.h). */
#define HELPER_FD 3
#define ERRAND_FD 4

struct repair {
	pid_t pid;
	int fd; /* -1 where the helper has ended, and was waited for */
};

/* How to put the rules up again, or not to. */
struct request {
	bool watch;
	struct rules_options options; /* its marks are those below */
	struct mark_layout marks;
};

/* ---- the helper --------------------------------------------------------- */

static const enum ip_family families[] = { IP_V4, IP_V6 };

struct helper {
	struct request request;
	int lock;	 /* -1: not there yet */
	bool watches;	 /* what stands is to be kept */
	int64_t due_us;	 /* when to look whether it does; steady */
	char *wanted[2]; /* by family; NULL: not known yet */
	bool failed[2];	 /* and was told */
};

static int list(const struct helper *helper, int i, char **out, struct err *err)
{
	return iptables_save_mangle(helper->request.options.flavour,
				    families[i], out, err);
}

static void send_event(const struct repair_event *event)
{
	/* Nobody listens where the daemon has just ended. */
	if (send(HELPER_FD, event, sizeof(*event), MSG_NOSIGNAL) < 0)
		_exit(0);
}

/* The first failure is told, those after it are the same. */
static bool fail(struct helper *helper, int i, const struct err *err)
{
	const struct repair_event event = { .family = families[i],
					    .err = *err };

	if (!helper->failed[i])
		send_event(&event);
	helper->failed[i] = true;
	return false;
}

/* What the daemon has put up is the next one's to change, or `netpold
   clean`'s. And what it is about to change it has said by now. */
static bool has_request(void)
{
	char byte;
	ssize_t n =
		recv(HELPER_FD, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);

	if (n == 0)
		_exit(0);
	return n > 0;
}

static int mend(struct helper *helper, int i, struct err *err)
{
	const struct repair_event event = { .family = families[i],
					    .mended = true };
	int r;

	if (has_request() || !fault_number("mend", true))
		return 0;
	r = rules_install_family(&helper->request.options, families[i], err);
	if (r < 0)
		return r;
	send_event(&event);
	return 0;
}

/* Learn what has to stand: how iptables lists what was put up. Somebody may
   have been there first. */
static int learn(struct helper *helper, int i, const char *saved,
		 struct err *err)
{
	int whole =
		rules_are_whole(&helper->request.options, families[i], saved);

	if (whole == 0)
		return mend(helper, i, err);
	if (whole > 0)
		helper->wanted[i] = standing_extract(saved);
	return helper->wanted[i] ? 0
				 : err_set(err, -ENOMEM, "no memory for rules");
}

static int compare(struct helper *helper, int i, const char *saved,
		   struct err *err)
{
	char *now = standing_extract(saved);
	bool changed;

	if (!now)
		return err_set(err, -ENOMEM, "no memory for rules");
	changed = strcmp(now, helper->wanted[i]) != 0;
	free(now);
	return changed ? mend(helper, i, err) : 0;
}

/* Returns whether what stands is known to be what should. */
static bool check_family(struct helper *helper, int i)
{
	struct err err = { 0 };
	char *saved;
	int r = list(helper, i, &saved, &err);

	if (r < 0)
		return fail(helper, i, &err);
	r = helper->wanted[i] ? compare(helper, i, saved, &err)
			      : learn(helper, i, saved, &err);
	free(saved);
	if (r < 0)
		return fail(helper, i, &err);
	helper->failed[i] = false;
	return helper->wanted[i];
}

static bool check_all(struct helper *helper)
{
	bool good = true;

	for (int i = 0; i < 2 && helper->watches; i++)
		good &= check_family(helper, i);
	return good;
}

/* Who asks may be in somebody else's hands. */
static bool is_sound(const struct rules_options *options)
{
	const struct pod_range *watched = &options->watched;
	bool sound = (options->flavour == IPTABLES_NFT ||
		      options->flavour == IPTABLES_LEGACY) &&
		     watched->n <= POD_RANGE_MAX;

	for (size_t i = 0; sound && i < watched->n; i++) {
		const struct cidr *block = &watched->blocks[i];

		sound = (block->addr.family == IP_V4 &&
			 block->prefix_len <= 32) ||
			(block->addr.family == IP_V6 &&
			 block->prefix_len <= 128);
	}
	return sound;
}

/* The lock comes along with what is to be watched, and is kept for good. */
static void take_request(struct helper *helper)
{
	const struct repair_event rests = { .rests = true };
	int lock = -1;
	ssize_t n = descriptors_receive(HELPER_FD, &helper->request,
					sizeof(helper->request), &lock, 1);

	if (n != sizeof(helper->request) ||
	    (helper->request.watch && !is_sound(&helper->request.options)))
		_exit(0);
	if (helper->lock < 0)
		helper->lock = lock;
	else if (lock >= 0)
		close(lock);
	helper->request.options.marks = &helper->request.marks;
	helper->watches = helper->request.watch;
	for (int i = 0; i < 2; i++) {
		free(helper->wanted[i]);
		helper->wanted[i] = NULL;
	}
	if (!helper->watches)
		send_event(&rests);
}

/* Two descriptors and nothing else, and none for the programs that we run. */
static bool keep_descriptors(int requests, int errands)
{
	int copy = fcntl(requests, F_DUPFD_CLOEXEC, ERRAND_FD + 1);
	int other = fcntl(errands, F_DUPFD_CLOEXEC, ERRAND_FD + 1);

	return copy >= 0 && other >= 0 &&
	       dup3(copy, HELPER_FD, O_CLOEXEC) >= 0 &&
	       dup3(other, ERRAND_FD, O_CLOEXEC) >= 0;
}

static void limit_privileges(void)
{
	const struct privilege_needs needs = { .raw = true };
	struct err err;

	if (privilege_limit(&needs, &err) == 0 && confine_helper(&err) == 0)
		return;
	log_error("%s", err.message);
	_exit(1);
}

static void check(struct helper *helper)
{
	int wait_ms = check_all(helper) ? INTERVAL_MS : RETRY_MS;

	helper->due_us = clock_us() + wait_ms * INT64_C(1000);
}

/* What is to be watched is looked at at once. Who changes it says so first, and
   then asks for what changes it. */
static void serve(struct helper *helper, int wait_ms)
{
	struct pollfd fds[] = {
		{ .fd = HELPER_FD, .events = POLLIN },
		{ .fd = ERRAND_FD, .events = POLLIN },
	};

	if (poll(fds, 2, wait_ms) <= 0)
		return;
	if (fds[0].revents) {
		take_request(helper);
		helper->due_us = 0;
	}
	if (fds[1].revents && !runner_serve(ERRAND_FD))
		_exit(0);
}

static void __attribute__((noreturn)) help(int requests, int errands)
{
	struct helper helper = { .lock = -1 };

	/* A Ctrl-C is for the daemon, whose end is ours. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "netpold-repair");
	if (!keep_descriptors(requests, errands)) {
		log_error("the process that runs iptables cannot begin: %s",
			  strerror(errno));
		_exit(1);
	}
	closefrom(ERRAND_FD + 1); /* also where a kernel has no close_range() */
	limit_privileges();
	for (;;) {
		int64_t left_us = helper.due_us - clock_us();

		if (left_us <= 0)
			check(&helper);
		else
			serve(&helper, (int)(left_us / 1000) + 1);
	}
}

/* ---- the daemon --------------------------------------------------------- */

/* @ours, @theirs  the ends of two sockets: requests, errands */
static int make_sockets(int ours[2], int theirs[2], struct err *err)
{
	int requests[2], errands[2], code;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, requests) < 0)
		return err_set(err, -errno, "cannot make a socket: %s",
			       strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, errands) < 0) {
		code = -errno;
		close(requests[0]);
		close(requests[1]);
		return err_set(err, code, "cannot make a socket: %s",
			       strerror(-code));
	}
	ours[0] = requests[0];
	theirs[0] = requests[1];
	ours[1] = errands[0];
	theirs[1] = errands[1];
	return 0;
}

int repair_start(struct repair **out, struct err *err)
{
	struct repair *repair = calloc(1, sizeof(*repair));
	int ours[2] = { -1, -1 }, theirs[2] = { -1, -1 }, r;

	if (!repair)
		return err_set(err, -ENOMEM, "no memory to start");
	r = make_sockets(ours, theirs, err);
	if (r < 0) {
		free(repair);
		return r;
	}
	repair->pid = fork();
	if (repair->pid == 0)
		help(theirs[0], theirs[1]);
	r = -errno;
	close(theirs[0]);
	close(theirs[1]);
	if (repair->pid < 0) {
		close(ours[0]);
		close(ours[1]);
		free(repair);
		return err_set(err, r, "cannot start a process: %s",
			       strerror(-r));
	}
	repair->fd = ours[0];
	runner_hire(ours[1]);
	*out = repair;
	return 0;
}

void repair_watch(struct repair *repair, const struct rules_options *options,
		  int lock)
{
	struct request request = { .watch = true,
				   .options = *options,
				   .marks = *options->marks };

	descriptors_send(repair->fd, &request, sizeof(request), &lock, 1);
}

void repair_rest(struct repair *repair)
{
	const struct request request = { .watch = false };

	send(repair->fd, &request, sizeof(request), MSG_NOSIGNAL);
}

int repair_fd(const struct repair *repair)
{
	return repair->fd;
}

pid_t repair_pid(const struct repair *repair)
{
	return repair->pid;
}

/* Whoever is at its end already does not notice. One that is stopped would
   stay, with the lock, and keep the next netpold from its start. Returns its
   status (waitpid(2)). */
static int bury(struct repair *repair)
{
	int status = 0;

	close(repair->fd);
	repair->fd = -1;
	kill(repair->pid, SIGKILL);
	while (waitpid(repair->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int lose(struct repair *repair, bool hangs, struct err *err)
{
	const int pid = (int)repair->pid;
	int status;

	runner_dismiss();
	status = bury(repair);
	if (hangs)
		return err_set(err, -EPIPE,
			       "the process that runs iptables, %d, has not "
			       "answered for %d seconds, and was killed",
			       pid, RUNNER_PATIENCE_S);
	if (WIFSIGNALED(status))
		return err_set(err, -EPIPE,
			       "the process that runs iptables, %d, was killed "
			       "by signal %d",
			       pid, WTERMSIG(status));
	return err_set(err, -EPIPE,
		       "the process that runs iptables, %d, has ended with "
		       "exit status %d",
		       pid, WEXITSTATUS(status));
}

int repair_hangs(struct repair *repair, struct err *err)
{
	return repair->fd < 0 ? 0 : lose(repair, true, err);
}

int repair_read(struct repair *repair, struct repair_event *event,
		struct err *err)
{
	const enum runner_state state = runner_state();
	ssize_t n;

	if (repair->fd < 0)
		return 0;
	n = recv(repair->fd, event, sizeof(*event), MSG_DONTWAIT);
	if (n == sizeof(*event))
		return 1;
	if (n < 0 && (errno == EAGAIN || errno == EINTR) &&
	    state == RUNNER_WORKS)
		return 0;
	return lose(repair, state == RUNNER_HUNG, err);
}

/* It ends when its round is over, and its end of the socket with it. */
static void await_end(const struct repair *repair)
{
	const struct timeval patience = {
		.tv_sec = fault_number("stop-patience", STOP_PATIENCE_S)
	};
	struct repair_event event;

	shutdown(repair->fd, SHUT_WR);
	setsockopt(repair->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	while (recv(repair->fd, &event, sizeof(event), 0) > 0)
		;
}

void repair_stop(struct repair *repair)
{
	bool hangs;

	if (!repair)
		return;
	hangs = runner_state() == RUNNER_HUNG;
	runner_dismiss();
	if (repair->fd >= 0) {
		if (!hangs)
			await_end(repair);
		bury(repair);
	}
	free(repair);
}
