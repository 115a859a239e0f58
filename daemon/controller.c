/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller_parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "netpold/snapshot.h"

#include "clock.h"
#include "datapath/local.h"
#include "instance.h"
#include "log.h"
#include "observe/pause_desk.h"

/* How long a start waits for somebody who is writing the manifests. */
#define FIRST_READ_MS 10000
#define FIRST_READ_RETRY_MS 1

/* How often at most to tell what the kernel remembers. */
#define RECALL_INTERVAL_MS 200

static void follow_addresses(struct controller *c)
{
	struct err err;

	c->stale_addresses =
		enforcement_follow_addresses(c->enforcement, &err) < 0;
	if (c->stale_addresses)
		log_error("%s; trying again", err.message);
}

/* A busy kernel wakes us more often than anybody wants to know of it. */
static void keep_remembering(struct controller *c)
{
	int64_t now_us = clock_us();
	struct recall_counts counts;

	enforcement_work(c->enforcement);
	if (now_us < c->recall_due_us)
		return;
	c->recall_due_us = now_us + RECALL_INTERVAL_MS * 1000;
	counts = enforcement_answers(c->enforcement);
	observer_recall(c->observer, &counts);
}

static void keep_what_stands(struct controller *c)
{
	struct guard_counters n;

	guard_work(c->guard, c->enforcement);
	n = guard_counters(c->guard);
	observer_mended(c->observer, n.rules, n.members);
	if (guard_is_blind(c->guard))
		observer_unguarded(c->observer);
}

/* ---- the loop ----------------------------------------------------------- */

/* True when it is one that ends the program. SIGHUP reads everything again. */
static bool take_signal(struct controller *c, bool *hangup)
{
	struct signalfd_siginfo info;

	if (read(c->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	*hangup = info.ssi_signo == SIGHUP;
	return info.ssi_signo != SIGHUP;
}

static int source_fd(const struct controller *c)
{
	return c->intake ? intake_fd(c->intake) : -1;
}

static bool source_changed(struct controller *c)
{
	return c->intake && intake_changed(c->intake);
}

/* How long there is nothing to do unless somebody says so. */
static int patience_ms(const struct controller *c)
{
	return warm_is_busy(c->warm) ? 0 : controller_pause_ms(c);
}

static void serve(struct controller *c)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = c->signals, .events = POLLIN },
			{ .fd = source_fd(c), .events = POLLIN },
			{ .fd = c->addresses, .events = POLLIN },
			{ .fd = guard_fd(c->guard), .events = POLLIN },
			{ .fd = pause_desk_fd(pause_switch_desk(c->pauses)),
			  .events = POLLIN },
			{ .fd = enforcement_fd(c->enforcement),
			  .events = POLLIN },
		};
		bool hangup = false, retry;
		int64_t since_us;

		poll(fds, sizeof(fds) / sizeof(fds[0]), patience_ms(c));
		since_us = clock_us();
		retry = c->retry && since_us >= c->retry_due_us;

		if (fds[0].revents && take_signal(c, &hangup))
			return;
		controller_serve_pause(c);
		if (source_changed(c) || retry || hangup) {
			if (c->intake)
				intake_wait_until_quiet(c->intake, since_us);
			controller_reload(c, hangup, since_us);
		}
		if (local_watch_changed(c->addresses) || c->stale_addresses)
			follow_addresses(c);
		if (c->unsettled)
			controller_finish(c);
		keep_remembering(c);
		keep_what_stands(c);
		controller_keep_warm(c);
	}
}

/* Before any thread starts, so that none of them takes a signal. */
static int block_signals(struct controller *c, struct err *err)
{
	sigset_t wanted;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN); /* somebody wants to write what we read */
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	c->signals = signalfd(-1, &wanted, SFD_CLOEXEC);
	return c->signals < 0 ? err_set(err, -errno, "cannot take signals: %s",
					strerror(errno))
			      : 0;
}

/* A writer that is at it when we start gets the time to finish. */
static int read_first(struct controller *c, struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	int64_t until_us = clock_us() + FIRST_READ_MS * 1000;
	bool hangup; /* all is read in any case */
	int r = controller_open_intake(c, err);

	if (r < 0)
		return r;
	fds[1].fd = intake_fd(c->intake);
	while ((r = controller_read(c, false, err)) == -EAGAIN &&
	       clock_us() < until_us) {
		observer_refused(c->observer, err->message);
		poll(fds, 2, FIRST_READ_RETRY_MS);
		if (fds[0].revents && take_signal(c, &hangup))
			return err_set(err, -EINTR,
				       "told to stop before anything was in "
				       "force");
	}
	return r;
}

static int start_observer(struct controller *c, struct err *err)
{
	const struct enforcement_options *enforcement =
		&c->options->enforcement;
	const struct observer_options options = {
		.socket_path = c->options->status_socket,
		.node_name = c->options->node_name,
		.mark_mask = enforcement->mark_mask,
		.queue_base = enforcement->queue_base,
		.n_workers = enforcement->n_workers,
		.desk = pause_switch_desk(c->pauses),
	};
	int r = observer_open(&options, &c->observer, err);

	if (r == 0 && pause_switch_pause(c->pauses))
		observer_paused(c->observer, pause_switch_pause(c->pauses));
	return r;
}

/* All that watches or is asked, before there is anything to enforce. */
static int start_around(struct controller *c, struct err *err)
{
	int r;

	r = block_signals(c, err);
	if (r < 0)
		return r;
	c->lock = instance_lock(err);
	if (c->lock < 0)
		return c->lock;
	r = guard_start(c->lock, &c->guard, err);
	if (r < 0)
		return r;
	r = pause_switch_open(c->options->state_dir, c->options->node_name,
			      &c->pauses, err);
	if (r < 0)
		return r;
	r = warm_open(c->options->state_dir, c->options->node_name,
		      c->options->paths, c->options->n_paths, &c->warm, err);
	if (r == 0)
		r = start_observer(c, err);
	if (r < 0)
		return r;
	c->addresses = local_watch_open(err);
	return c->addresses < 0 ? c->addresses : 0;
}

/* In a pause there is nothing to put in force. */
static int start_enforcing(struct controller *c,
			   struct enforcement_change *change, struct err *err)
{
	bool paused = pause_switch_pause(c->pauses);
	int r = enforcement_start(&c->options->enforcement,
				  paused ? NULL : c->read.snapshot,
				  &c->enforcement, change, err);

	if (r < 0 || paused)
		snapshot_free(c->read.snapshot);
	if (r == 0 && !c->standing.cluster) {
		intake_taken(c->intake);
		warm_changed(c->warm);
	}
	return r;
}

static void report_start(const struct controller *c,
			 const struct enforcement_change *change)
{
	const struct enforcement_options *options = &c->options->enforcement;

	log_info("enforcing on node %s: queues %u-%u, iptables %s, mark mask "
		 "%#x",
		 c->options->node_name, options->queue_base,
		 options->queue_base + options->n_workers - 1,
		 iptables_flavour_name(enforcement_flavour(c->enforcement)),
		 options->mark_mask);
	if (c->read.counts.local_pods == 0)
		log_warning("no pod runs on node '%s': nothing is judged; "
			    "name this node with --node-name",
			    c->options->node_name);
	if (change->n_picked_up)
		log_info("connections older than netpold, let through: %zu",
			 change->n_picked_up);
}

static int start(struct controller *c, struct err *err)
{
	int64_t since_us = clock_us();
	struct enforcement_change change;
	struct err why; /* manifests cannot be read */
	int r;

	r = start_around(c, err);
	if (r < 0)
		return r;
	r = read_first(c, &why);
	if (r < 0 && r != -EINTR)
		r = controller_read_warm(c, &why);
	if (r < 0) {
		*err = why;
		return r;
	}
	r = start_enforcing(c, &change, err);
	if (r < 0)
		return r;
	guard_watch(c->guard, c->enforcement);
	report_start(c, &change);
	observer_accepted(c->observer);
	observer_watch(c->observer, enforcement_workers(c->enforcement),
		       enforcement_flavour(c->enforcement));
	observer_take_base_line(c->observer);
	pause_desk_begin(pause_switch_desk(c->pauses));
	if (!pause_switch_pause(c->pauses)) {
		observer_published(c->observer, since_us, change.published_us);
		controller_report_in_force(c, &change, since_us);
	}
	if (c->standing.cluster)
		controller_report_refused(c, &why);
	return 0;
}

static void stop(struct controller *c)
{
	struct worker_counters n = enforcement_counters(c->enforcement);

	guard_stop(c->guard);
	c->guard = NULL;
	/* It reads what workers count. */
	observer_close(c->observer);
	c->observer = NULL;
	enforcement_stop(c->enforcement);
	c->enforcement = NULL;
	warm_finish(c->warm, c->intake ? intake_cluster(c->intake) : NULL);
	log_info("stopped: packets=%llu allowed=%llu passed=%llu denied=%llu "
		 "unparsable=%llu overruns=%llu; rules and sets stay, new "
		 "flows %s until netpold runs again, `netpold clean` removes "
		 "them",
		 (unsigned long long)n.packets, (unsigned long long)n.allowed,
		 (unsigned long long)n.passed, (unsigned long long)n.denied,
		 (unsigned long long)n.unparsable,
		 (unsigned long long)n.overruns,
		 c->options->enforcement.fail_closed
			 ? "of isolated pods are dropped"
			 : "pass unjudged");
}

int controller_run(const struct controller_options *options, struct err *err)
{
	struct controller c = {
		.options = options, .lock = -1, .signals = -1, .addresses = -1
	};
	int r;

	r = start(&c, err);
	if (r == 0) {
		serve(&c);
		stop(&c);
	}
	observer_close(c.observer);
	pause_switch_close(c.pauses);
	guard_stop(c.guard);
	warm_close(c.warm);
	warm_state_release(&c.standing);
	intake_close(c.intake);
	if (c.lock >= 0)
		close(c.lock);
	if (c.signals >= 0)
		close(c.signals);
	if (c.addresses >= 0)
		close(c.addresses);
	return r;
}
