/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "netpold/snapshot.h"

#include "clock.h"
#include "datapath/local.h"
#include "guard.h"
#include "instance.h"
#include "intake.h"
#include "log.h"
#include "observe/observer.h"
#include "pause_switch.h"
#include "time_text.h"

/* How long a start waits for somebody who is writing the manifests. */
#define FIRST_READ_MS 10000
#define FIRST_READ_RETRY_MS 1

/* When waiting for a writer is worth a warning. */
#define LONG_WAIT_MS 5000

/* How often to look for a folder that has gone, and to finish what failed. */
#define RETRY_MS 1000

struct controller {
	const struct controller_options *options;
	struct intake *intake;
	struct enforcement *enforcement;
	struct guard *guard;
	struct observer *observer;
	struct pause_switch *pauses;
	struct err stuck;	   /* why a pause does not end */
	int64_t resume_due_us;	   /* the end of a pause is not tried before */
	uint64_t generation;	   /* counts the changes put in force, from 1 */
	struct intake_result read; /* last */
	bool refused; /* what the manifests say now is not in force */
	bool retry;   /* … for a reason that may pass by itself */
	int64_t retry_due_us;
	struct err told;	  /* why, so that it is said once */
	int64_t waiting_since_us; /* for a writer; 0: not, or warned of */
	bool unsettled; /* open connections do not obey the snapshot yet */
	bool stale_addresses; /* this host's have changed */
	int lock;	      /* instance_lock() */
	int signals;
	int addresses; /* local_watch_open() */
};

/* ---- telling ------------------------------------------------------------ */

static void report_in_force(struct controller *c,
			    const struct enforcement_change *change,
			    int64_t since_us)
{
	struct observer_change told = {
		.generation = ++c->generation,
		.counts = c->read.counts,
		.n_isolated = { change->n_isolated[0], change->n_isolated[1] },
		.n_revoked = change->n_revoked,
		.n_picked_up = change->n_picked_up,
		.in_force_us = change->in_force_us,
	};

	observer_in_force(c->observer, &told);
	log_info("in force: generation=%llu policies=%zu pods=%zu "
		 "isolated=egress:%zu,ingress:%zu revoked=%zu took_ms=%.1f",
		 (unsigned long long)c->generation, c->read.counts.policies,
		 c->read.counts.pods, change->n_isolated[DIRECTION_EGRESS],
		 change->n_isolated[DIRECTION_INGRESS], change->n_revoked,
		 (double)(clock_us() - since_us) / 1000);
}

/* Somebody keeps a file open for writing, and with it every change back. */
static void warn_of_long_wait(struct controller *c)
{
	if (!c->waiting_since_us ||
	    clock_us() - c->waiting_since_us < LONG_WAIT_MS * 1000)
		return;
	c->waiting_since_us = 0;
	log_warning("%s for more than %d s: no change is in force until it is "
		    "closed; generation %llu stays in force",
		    c->told.message, LONG_WAIT_MS / 1000,
		    (unsigned long long)c->generation);
}

/* A mistake stays until somebody mends it, which is an event; anything else is
   tried again, and told once. */
static void report_refused(struct controller *c, const struct err *err)
{
	bool told = c->refused && strcmp(c->told.message, err->message) == 0;

	c->refused = true;
	c->retry = err->code != -EINVAL;
	c->retry_due_us = clock_us() + RETRY_MS * 1000;
	c->told = *err;
	observer_refused(c->observer, err->message);
	if (told) {
		warn_of_long_wait(c);
		return;
	}
	c->waiting_since_us = err->code == -EAGAIN ? clock_us() : 0;
	if (err->code == -EAGAIN)
		log_info("%s: waiting; generation %llu stays in force",
			 err->message, (unsigned long long)c->generation);
	else
		log_error("%s; generation %llu stays in force", err->message,
			  (unsigned long long)c->generation);
}

static void report_accepted(struct controller *c)
{
	c->refused = c->retry = false;
	observer_accepted(c->observer);
}

/* ---- changing ----------------------------------------------------------- */

/* What was published is in force, or not for all yet. */
static void conclude(struct controller *c, int r,
		     const struct enforcement_change *change, int64_t since_us,
		     const struct err *err)
{
	intake_taken(c->intake);
	observer_published(c->observer, since_us, change->published_us);
	c->unsettled = r < 0;
	if (r == 0) {
		report_in_force(c, change, since_us);
		return;
	}
	observer_unsettled(c->observer, err->message);
	log_error("%s; new flows obey the change, open connections not yet; "
		  "trying again",
		  err->message);
}

/* It is in order, and will be in force when the pause is over. */
static void take_up(struct controller *c)
{
	snapshot_free(c->read.snapshot);
	intake_taken(c->intake);
	report_accepted(c);
	log_info("taken up: policies=%zu pods=%zu; in force when the pause is "
		 "over",
		 c->read.counts.policies, c->read.counts.pods);
}

static void apply(struct controller *c, int64_t since_us)
{
	struct enforcement_change change;
	bool published;
	struct err err;
	int r;

	if (pause_switch_pause(c->pauses)) {
		take_up(c);
		return;
	}
	r = enforcement_apply(c->enforcement, c->read.snapshot, &c->read.update,
			      &published, &change, &err);
	if (published) {
		report_accepted(c);
		conclude(c, r, &change, since_us, &err);
		return;
	}
	snapshot_free(c->read.snapshot);
	report_refused(c, &err);
}

/* A reading has taken as much memory as the store, in small pieces, which the
   allocator would keep for the next one. */
static void give_memory_back(void)
{
	const size_t pad = 0;

	malloc_trim(pad);
}

/* Returns as intake_read(). */
static int read_manifests(struct controller *c, bool everything,
			  struct err *err)
{
	int r = intake_read(c->intake, everything, &c->read, err);

	if (r > 0)
		observer_compiled(c->observer, c->read.compile_began_us,
				  &c->read.memory);
	return r;
}

static void reload(struct controller *c, bool everything, int64_t since_us)
{
	struct err err;
	int r = read_manifests(c, everything, &err);

	if (r < 0) {
		report_refused(c, &err);
	} else if (r > 0) {
		apply(c, since_us);
	} else if (c->refused) {
		report_accepted(c);
		log_info("manifests are as they were; generation %llu is in "
			 "force",
			 (unsigned long long)c->generation);
	}
	give_memory_back();
}

static void finish_what_failed(struct controller *c)
{
	struct enforcement_change change;
	int64_t since_us = clock_us();
	struct err err;

	if (enforcement_settle(c->enforcement, &change, &err) < 0) {
		observer_unsettled(c->observer, err.message);
		log_error("%s; trying again", err.message);
		return;
	}
	c->unsettled = false;
	if (pause_switch_pause(c->pauses)) {
		observer_paused(c->observer, pause_switch_pause(c->pauses));
		log_info("nothing is diverted any more");
		return;
	}
	report_in_force(c, &change, since_us);
}

static void follow_addresses(struct controller *c)
{
	struct err err;

	c->stale_addresses =
		enforcement_follow_addresses(c->enforcement, &err) < 0;
	if (c->stale_addresses)
		log_error("%s; trying again", err.message);
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

/* ---- a pause ------------------------------------------------------------ */

static void reply(struct controller *c, int code, const char *said)
{
	pause_desk_reply(pause_switch_desk(c->pauses), code, said);
}

/* @unkept  why it does not outlive a restart; "" where it does */
static void reply_paused(struct controller *c, const char *unkept)
{
	char until[TIME_TEXT_LEN];
	struct err said;

	time_text_format(pause_until_wall_us(pause_switch_pause(c->pauses)),
			 until);
	err_set(&said, 0, "enforcement is paused until %s%s%s", until,
		*unkept ? "; but " : "", unkept);
	reply(c, 0, said.message);
}

static void begin_pause(struct controller *c,
			const struct pause_request *request)
{
	struct err err, unkept = { 0 };
	int r = enforcement_pause(c->enforcement, &err);

	if (r < 0 && !enforcement_is_paused(c->enforcement)) {
		log_error("enforcement cannot be paused: %s", err.message);
		reply(c, r, err.message);
		return;
	}
	pause_switch_begin(c->pauses, request, &unkept);
	observer_paused(c->observer, pause_switch_pause(c->pauses));
	c->unsettled = r < 0;
	if (r == 0) {
		reply_paused(c, unkept.message);
		return;
	}
	err_prefix(&err, "policies are not obeyed any more, but packets are "
			 "still diverted, and dropped where they are INVALID "
			 "or too many: ");
	observer_unsettled(c->observer, err.message);
	log_error("%s; trying again", err.message);
	reply(c, r, err.message);
}

/* Returns as enforcement_apply(). */
static int resume(struct controller *c, bool *published,
		  struct enforcement_change *change, struct err *err)
{
	int r = intake_compile(c->intake, &c->read, err);

	*published = false;
	if (r < 0)
		return r;
	r = enforcement_apply(c->enforcement, c->read.snapshot, &c->read.update,
			      published, change, err);
	if (!*published)
		snapshot_free(c->read.snapshot);
	return r;
}

/* The pause stays, and its end is tried again. That is told once. */
static void report_stuck(struct controller *c, struct err *err)
{
	err_prefix(err, "the pause is over, and enforcement cannot begin: ");
	c->resume_due_us = clock_us() + RETRY_MS * 1000;
	observer_unsettled(c->observer, err->message);
	if (strcmp(c->stuck.message, err->message) != 0)
		log_error("%s; trying again", err->message);
	c->stuck = *err;
}

/* With what has changed meanwhile; whether that is refused stays as it is. */
static int end_pause(struct controller *c, struct err *err)
{
	struct enforcement_change change;
	int64_t since_us = clock_us();
	bool published;
	int r = resume(c, &published, &change, err);

	if (!published) {
		report_stuck(c, err);
		return r;
	}
	c->stuck = (struct err){ 0 };
	pause_switch_ended(c->pauses);
	observer_paused(c->observer, NULL);
	log_info("the pause is over");
	conclude(c, r, &change, since_us, err);
	return r;
}

/* Before its time. */
static void cut_pause_short(struct controller *c)
{
	struct err err, kept = { 0 };

	if (!pause_switch_pause(c->pauses)) {
		reply(c, 0, "there is no pause: policies are in force");
		return;
	}
	pause_switch_cut(c->pauses, &kept);
	if (end_pause(c, &err) < 0)
		reply(c, err.code, err.message);
	else if (kept.code < 0)
		reply(c, kept.code, kept.message);
	else
		reply(c, 0, "the pause is over: policies are in force");
}

static void serve_pause(struct controller *c)
{
	struct pause_request request;
	struct err err;

	if (pause_desk_take(pause_switch_desk(c->pauses), &request)) {
		if (request.end)
			cut_pause_short(c);
		else
			begin_pause(c, &request);
	}
	if (pause_switch_is_due(c->pauses) && clock_us() >= c->resume_due_us)
		end_pause(c, &err);
	pause_switch_remind(c->pauses);
}

/* How long there is nothing to do unless somebody says so. */
static int patience_ms(const struct controller *c)
{
	const struct pause *pause = pause_switch_pause(c->pauses);
	int64_t left_ms = pause ? pause_left_us(pause) / 1000 + 1 : RETRY_MS;

	return left_ms < RETRY_MS && c->stuck.code == 0 ? (int)left_ms
							: RETRY_MS;
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

static void serve(struct controller *c)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = c->signals, .events = POLLIN },
			{ .fd = intake_fd(c->intake), .events = POLLIN },
			{ .fd = c->addresses, .events = POLLIN },
			{ .fd = guard_fd(c->guard), .events = POLLIN },
			{ .fd = pause_desk_fd(pause_switch_desk(c->pauses)),
			  .events = POLLIN },
		};
		bool hangup = false, retry;
		int64_t since_us;

		poll(fds, sizeof(fds) / sizeof(fds[0]), patience_ms(c));
		since_us = clock_us();
		retry = c->retry && since_us >= c->retry_due_us;

		if (fds[0].revents && take_signal(c, &hangup))
			return;
		serve_pause(c);
		if (intake_changed(c->intake) || retry || hangup) {
			intake_wait_until_quiet(c->intake, since_us);
			reload(c, hangup, since_us);
		}
		if (local_watch_changed(c->addresses) || c->stale_addresses)
			follow_addresses(c);
		if (c->unsettled)
			finish_what_failed(c);
		keep_what_stands(c);
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
		{ .fd = intake_fd(c->intake), .events = POLLIN },
	};
	int64_t until_us = clock_us() + FIRST_READ_MS * 1000;
	bool hangup; /* all is read in any case */
	int r;

	while ((r = read_manifests(c, false, err)) == -EAGAIN &&
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
	if (r == 0)
		intake_taken(c->intake);
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
	int r;

	r = start_around(c, err);
	if (r < 0)
		return r;
	r = intake_open(c->options->paths, c->options->n_paths,
			c->options->node_name, &c->intake, err);
	if (r == 0)
		r = read_first(c, err);
	if (r >= 0)
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
	if (pause_switch_pause(c->pauses))
		return 0;
	observer_published(c->observer, since_us, change.published_us);
	report_in_force(c, &change, since_us);
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
	intake_close(c.intake);
	if (c.lock >= 0)
		close(c.lock);
	if (c.signals >= 0)
		close(c.signals);
	if (c.addresses >= 0)
		close(c.addresses);
	return r;
}
