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
#include "confine.h"
#include "datapath/local.h"
#include "fault.h"
#include "flowlog/flow_log.h"
#include "log.h"
#include "observe/pause_desk.h"

/* How long a start waits for somebody who is writing the manifests, and how
   long for an API server before it begins with what the last run read. */
#define FIRST_READ_MS 10000
#define FIRST_SYNC_MS 3000
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
}

/* ---- the loop ----------------------------------------------------------- */

bool controller_take_signal(struct controller *c, bool *hangup)
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
	if (warm_is_busy(c->warm))
		return 0;
	return controller_tell_ms(c, controller_pause_ms(c));
}

/* Until we are told to stop, or replaced; an error where we cannot go on. */
static int serve(struct controller *c, struct err *err)
{
	int r = 0;

	while (r == 0) {
		struct pollfd fds[] = {
			{ .fd = c->signals, .events = POLLIN },
			{ .fd = source_fd(c), .events = POLLIN },
			{ .fd = c->addresses, .events = POLLIN },
			{ .fd = guard_fd(c->guard), .events = POLLIN },
			{ .fd = pause_desk_fd(pause_switch_desk(c->pauses)),
			  .events = POLLIN },
			{ .fd = observer_asked_fd(c->observer),
			  .events = POLLIN },
			{ .fd = c->late, .events = POLLIN },
			{ .fd = observer_question_fd(c->observer),
			  .events = POLLIN },
			{ .fd = enforcement_fd(c->enforcement),
			  .events = POLLIN },
		};
		bool hangup = false, retry;
		int64_t since_us;

		poll(fds, sizeof(fds) / sizeof(fds[0]), patience_ms(c));
		since_us = clock_us();
		controller_tick(c);
		retry = c->retry && since_us >= c->retry_due_us;

		if (fds[0].revents && controller_take_signal(c, &hangup))
			return 0;
		if (hangup)
			flow_log_reopen(c->log);
		controller_serve_pause(c);
		if (fds[5].revents && controller_hand_over(c))
			return 0;
		if (fds[6].revents && c->late == fds[6].fd)
			controller_see_off(c);
		if (fds[7].revents)
			controller_answer_question(c);
		if (source_changed(c) || retry || hangup) {
			if (c->intake)
				intake_wait_until_quiet(c->intake, since_us);
			controller_reload(c, hangup, since_us);
		}
		if (local_watch_changed(c->addresses) || c->stale_addresses)
			follow_addresses(c);
		if (c->unsettled)
			controller_finish(c);
		if (c->stale_range)
			controller_follow_range(c);
		controller_tell_of_unreadable(c);
		controller_tell_of_unknown(c);
		controller_tell(c);
		keep_remembering(c);
		keep_what_stands(c);
		controller_keep_warm(c);
		r = guard_check(c->guard, err);
	}
	return r;
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
static int read_manifests(struct controller *c, struct err *err)
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
	fault_delay("first-read");
	while ((r = controller_read(c, false, err)) == -EAGAIN &&
	       clock_us() < until_us) {
		observer_refused(c->observer, err->message);
		observer_alive(c->observer);
		poll(fds, 2, FIRST_READ_RETRY_MS);
		if (fds[0].revents && controller_take_signal(c, &hangup))
			return err_set(err, -EINTR,
				       "told to stop before anything was in "
				       "force");
	}
	return r;
}

/* Who runs here enforces until we can: there is no hurry. */
static int read_first(struct controller *c, struct err *err)
{
	if (!controller_is_live(c))
		return read_manifests(c, err);
	return controller_await_cluster(
		c,
		c->place.taken ? INT64_MAX : clock_us() + FIRST_SYNC_MS * 1000,
		err);
}

/* Until it has handed over, who runs here is asked how netpold stands. */
static int start_observer(struct controller *c, struct err *err)
{
	const char *path = c->options->status_socket;
	const struct enforcement_options *enforcement =
		&c->options->enforcement;
	const struct observer_options options = {
		.node_name = c->options->node_name,
		.manifests = c->options->paths,
		.n_manifests = c->options->n_paths,
		.audit = enforcement->audit,
		.mark_mask = enforcement->mark_mask,
		.queue_base = enforcement->queue_base,
		.n_workers = enforcement->n_workers,
		.n_told_policies = c->options->n_told_policies,
		.desk = pause_switch_desk(c->pauses),
	};
	int r = observer_open(&options, &c->observer, err);

	if (r == 0 && c->options->web.address.len > 0)
		r = observer_serve(c->observer, &c->options->web,
				   c->place.taken, err);
	if (r == 0 && c->options->web.page_address.len > 0)
		r = observer_serve_page(c->observer, &c->options->web,
					c->place.taken, err);
	if (r == 0 && pause_switch_pause(c->pauses))
		observer_paused(c->observer, pause_switch_pause(c->pauses));
	if (r == 0 && !c->place.taken)
		r = observer_listen(c->observer, path, -1, err);
	return r;
}

/* All that watches or is asked, before there is anything to enforce. */
static int start_around(struct controller *c, struct err *err)
{
	int r;

	r = block_signals(c, err);
	if (r == 0)
		r = confine_init(c->options->seccomp, err);
	if (r == 0) {
		controller_load_tables(c->options);
		r = guard_start(&c->guard, err);
	}
	if (r == 0)
		r = controller_give_up(c->options, guard_helper(c->guard), err);
	if (r == 0)
		r = place_find(&c->place, err);
	if (r < 0)
		return r;
	r = pause_switch_open(c->options->state_dir, c->options->node_name,
			      &c->pauses, err);
	if (r < 0)
		return r;
	if (controller_is_live(c))
		r = controller_open_intake(c, err);
	if (r == 0)
		r = controller_open_warm(c, err);
	if (r == 0)
		r = start_observer(c, err);
	if (r < 0)
		return r;
	c->addresses = local_watch_open(err);
	return c->addresses < 0 ? c->addresses : 0;
}

/* Before there are workers, who write to it; also where it is only for who
   looks. */
static int start_log(struct controller *c, struct err *err)
{
	const struct controller_options *options = c->options;
	struct flow_log_options log = options->flow_log;
	int r;

	log.mark_mask = options->enforcement.mark_mask;
	r = flow_log_start(&log, options->node_name,
			   options->enforcement.n_workers, &c->log, err);
	if (r < 0)
		return r;
	enforcement_set_log(c->enforcement, c->log);
	observer_show(c->observer, flow_log_watch(c->log));
	if (flow_log_counts(c->log))
		observer_log(c->observer, &options->flow_log.target,
			     flow_log_counts(c->log));
	return 0;
}

static int start_enforcing(struct controller *c,
			   struct enforcement_change *change, struct err *err)
{
	struct pod_range range = controller_pod_range(c);
	int r = controller_check_range(c, &range, err);

	if (r == 0)
		r = controller_put_in_force(c, &range, change, err);
	else
		snapshot_free(c->read.snapshot);
	if (r < 0) {
		enforcement_undo(c->enforcement);
		c->enforcement = NULL;
	}
	if (r == 0 && !c->standing.cluster) {
		intake_taken(c->intake, 0);
		warm_changed(c->warm);
	}
	return r;
}

static void report_mode(const struct controller *c)
{
	const struct enforcement_options *options = &c->options->enforcement;

	if (options->audit) {
		log_info("auditing on node %s, NOTHING IS ENFORCED: log group "
			 "%u, iptables %s",
			 c->options->node_name, options->queue_base,
			 iptables_flavour_name(
				 enforcement_flavour(c->enforcement)));
		return;
	}
	log_info("enforcing on node %s: queues %u-%u, iptables %s, mark mask "
		 "%#x",
		 c->options->node_name, options->queue_base,
		 options->queue_base + options->n_workers - 1,
		 iptables_flavour_name(enforcement_flavour(c->enforcement)),
		 options->mark_mask);
}

static void report_start(const struct controller *c,
			 const struct enforcement_change *change)
{
	report_mode(c);
	if (c->place.heir)
		log_info("taken over from the netpold that ran before");
	if (c->read.counts.local_pods == 0)
		log_warning("no pod runs on node '%s': nothing is judged; "
			    "name this node with --node-name",
			    c->options->node_name);
	if (change->n_picked_up)
		log_info("connections older than netpold, let through: %zu",
			 change->n_picked_up);
}

static void beat(void *ctx)
{
	const struct controller *c = ctx;

	observer_alive(c->observer);
}

static int start(struct controller *c, struct err *err)
{
	int64_t since_us = clock_us();
	const struct pulse pulse = { beat, c };
	struct enforcement_change change;
	struct err why; /* manifests cannot be read */
	int r;

	r = start_around(c, err);
	if (r < 0)
		return r;
	r = enforcement_open(&c->options->enforcement, &c->enforcement, err);
	if (r < 0)
		return r;
	enforcement_set_pulse(c->enforcement, &pulse);
	r = start_log(c, err);
	if (r == 0)
		r = controller_stand_by(c, err);
	if (r < 0)
		return r;
	r = read_first(c, &why);
	/* Who runs here knows better. */
	if (r < 0 && r != -EINTR && !c->place.taken)
		r = controller_read_warm(c, &why);
	/* There is nothing to begin with. */
	if (r == -EINPROGRESS)
		r = controller_await_cluster(c, INT64_MAX, &why);
	if (r < 0) {
		*err = why;
		return r;
	}
	r = start_enforcing(c, &change, err);
	if (r < 0)
		return r;
	guard_watch(c->guard, c->enforcement, c->place.lock);
	enforcement_guard(c->enforcement, c->guard);
	report_start(c, &change);
	/* Whoever sees that it is ready may ask for more. */
	pause_desk_begin(pause_switch_desk(c->pauses));
	observer_begin_to_explain(c->observer);
	observer_accepted(c->observer);
	observer_watch(c->observer, enforcement_workers(c->enforcement),
		       enforcement_flavour(c->enforcement));
	observer_take_base_line(c->observer);
	c->published = c->read.counts;
	if (!pause_switch_pause(c->pauses)) {
		observer_published(c->observer, since_us, change.published_us);
		controller_report_in_force(c, &change, since_us);
	}
	if (c->standing.cluster)
		controller_report_refused(c, &why);
	return 0;
}

static void report_stop(const struct controller *c,
			const struct worker_counters *n)
{
	const bool audit = c->options->enforcement.audit;
	const char *what_now =
		c->replaced ? (audit ? "the netpold that has taken over audits"
				     : "the netpold that has taken over "
				       "enforces")
		: audit	    ? "rules and sets stay, and do nothing, `netpold "
			      "clean` removes them"
		: c->options->enforcement.fail_closed
			? "rules and sets stay, new flows of isolated pods are "
			  "dropped until netpold runs again, `netpold clean` "
			  "removes them"
			: "rules and sets stay, new flows pass unjudged until "
			  "netpold runs again, `netpold clean` removes them";

	log_info("%s: packets=%llu allowed=%llu passed=%llu denied=%llu "
		 "unparsable=%llu overruns=%llu lost=%llu; %s",
		 c->replaced ? "handed over" : "stopped",
		 (unsigned long long)n->packets, (unsigned long long)n->allowed,
		 (unsigned long long)n->passed, (unsigned long long)n->denied,
		 (unsigned long long)n->unparsable,
		 (unsigned long long)n->overruns, (unsigned long long)n->lost,
		 what_now);
}

/* The state that is kept for a later start is the other one's to write, where
   this one is replaced. */
static void stop(struct controller *c)
{
	struct worker_counters n;

	/* First: what follows may have to wait for others. */
	if (!c->replaced)
		warm_finish(c->warm,
			    c->intake ? intake_cluster(c->intake) : NULL);
	n = enforcement_counters(c->enforcement);
	/* It reads what workers count, and the helper lists for it. */
	if (c->replaced)
		observer_leave(c->observer);
	else
		observer_close(c->observer);
	c->observer = NULL;
	guard_stop(c->guard);
	c->guard = NULL;
	enforcement_stop(c->enforcement);
	c->enforcement = NULL;
	report_stop(c, &n);
}

static void wait_for_signal(struct controller *c)
{
	struct pollfd signals = { .fd = c->signals, .events = POLLIN };
	bool hangup;

	log_info("waiting to be told to stop (--when-replaced)");
	do
		poll(&signals, 1, -1);
	while (!controller_take_signal(c, &hangup));
}

int controller_run(const struct controller_options *options, struct err *err)
{
	struct controller c = {
		.options = options, .signals = -1, .addresses = -1, .late = -1
	};
	int r;

	place_init(&c.place, options->status_socket);
	r = start(&c, err);
	if (r == 0) {
		r = serve(&c, err);
		stop(&c);
	}
	observer_close(c.observer);
	controller_set_later(&c, NULL);
	pause_switch_close(c.pauses);
	/* Where the start has failed; the helper takes the rules down. */
	enforcement_undo(c.enforcement);
	guard_stop(c.guard);
	flow_log_free(c.log);
	warm_close(c.warm);
	warm_state_release(&c.standing);
	intake_close(c.intake);
	place_close(&c.place);
	if (c.replaced && options->wait_when_replaced)
		wait_for_signal(&c);
	controller_close(&c.late);
	controller_close(&c.signals);
	controller_close(&c.addresses);
	return r;
}
