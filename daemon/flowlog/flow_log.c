/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names come from the snapshot in force, inside a read-side section. That
 * section is short, since whoever changes something waits for its end, and
 * nothing is written out in it.
 *
 * What is written to may stand still (a file of a network that is gone, a
 * filesystem that is frozen), and the logger with it, for ever. Who stops
 * netpold does not wait for that: he leaves the logger behind, with the log,
 * which is the logger's then (flow_log_free()).
 */
#include "flowlog/flow_log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "current.h"
#include "datapath/conntrack_ends.h"
#include "datapath/conntrack_setting.h"
#include "datapath/mark.h"
#include "flowlog/flow_counts.h"
#include "flowlog/flow_end.h"
#include "flowlog/flow_event.h"
#include "flowlog/flow_fold.h"
#include "flowlog/flow_hit.h"
#include "flowlog/flow_ring.h"
#include "flowlog/flow_sink.h"
#include "flowlog/flow_teller.h"
#include "flowlog/flow_watch.h"
#include "flowlog/hit_ring.h"
#include "log.h"
#include "rcu.h"

/* How often to look for events; half a ring wakes us before. A worker never
   makes a system call for less. */
#define LOOK_EVERY_MS 50

/* How long the snapshot in force is held on to at a time. */
#define SECTION_US 500

/* How many events to take from a ring before it is another one's turn. */
#define TURN 64

/* How long the last records wait for who reads them. */
#define LAST_PATIENCE_MS 500

/* How long flows that go on ending may keep the log from its end. */
#define LAST_ENDS_US 200000

/* How long who stops the log waits for a write that does not end, and for its
   last records, if they come. */
#define STILL_PATIENCE_US 2000000
#define STOP_PATIENCE_US 10000000

struct flow_log {
	/* set before the thread starts */
	struct flow_log_options options;
	char *node, *path; /* of its own: it may outlive whoever has asked */
	unsigned int n_rings;
	struct flow_ring **rings;
	struct hit_ring *hits;
	int wake_fd, ended_fd;
	pthread_t thread;
	bool is_written; /* there is a log, not only who looks */
	struct flow_watch *watch;
	bool is_running; /* controller only */
	/* written by the controller, read by the thread */
	atomic_bool stops, reopens;
	/* Of the thread and the controller one does not use it any more: the
	   other one frees it. */
	atomic_bool is_of_one;
	/* the logger's */
	struct mark_layout marks;
	/* NULL: nobody asks for them; the controller listens and does not */
	struct conntrack_ends *ends;
	struct flow_teller teller;
	struct flow_sink *sink; /* NULL: nothing is written */
	bool is_watched;
	/* written by the logger, read by any */
	struct flow_counts counts;
};

/* ---- rounds -------------------------------------------------------------- */

static struct flow_moment begin_section(void)
{
	rcu_section_begin();
	return (struct flow_moment){ .snapshot = current_load(),
				     .now_us = clock_us() };
}

static bool is_over(const struct flow_moment *moment)
{
	return clock_us() - moment->now_us > SECTION_US;
}

/* Returns false where the ring is empty. */
static bool take_turn(struct flow_log *log, const struct flow_moment *moment,
		      struct flow_ring *ring)
{
	struct flow_event event;

	for (int i = 0; i < TURN && !is_over(moment); i++) {
		if (!flow_ring_take(ring, &event))
			return false;
		if (log->is_written)
			flow_teller_take(&log->teller, moment, &event);
		flow_watch_take(log->watch, moment->snapshot, &event,
				moment->now_us);
	}
	return true;
}

/* Returns whether there may be more. Who looks may hold the lock for some
   milliseconds, which is no time to be in a section. */
static bool take_turns(struct flow_log *log)
{
	bool more = false;

	for (unsigned int i = 0; i < log->n_rings; i++) {
		struct flow_moment moment;

		flow_watch_lock(log->watch);
		moment = begin_section();
		more |= take_turn(log, &moment, log->rings[i]);
		rcu_section_end();
		flow_watch_unlock(log->watch);
	}
	return more;
}

/* Returns false where the ring is empty. */
static bool take_turn_of_hits(struct flow_log *log,
			      const struct flow_moment *moment)
{
	struct flow_hit hit;

	for (int i = 0; i < TURN && !is_over(moment); i++) {
		if (!hit_ring_take(log->hits, &hit))
			return false;
		if (log->is_written)
			flow_teller_take_hit(&log->teller, moment, &hit);
		flow_watch_take_hit(log->watch, moment->snapshot, &hit,
				    moment->now_us);
	}
	return true;
}

static bool take_hits(struct flow_log *log)
{
	struct flow_moment moment;
	bool more;

	flow_watch_lock(log->watch);
	moment = begin_section();
	more = take_turn_of_hits(log, &moment);
	rcu_section_end();
	flow_watch_unlock(log->watch);
	return more;
}

struct ending {
	struct flow_log *log;
	const struct flow_moment *moment;
};

static void take_end(void *ctx, const struct conntrack_end *end)
{
	const struct ending *ending = ctx;
	struct flow_log *log = ending->log;
	struct flow_told told;

	if (!flow_end_is_judged(&log->marks, end))
		return;
	flow_counts_add(&log->counts.ends, 1);
	told = flow_end_told(&log->marks, end, ending->moment->snapshot,
			     clock_wall_us());
	flow_teller_take_end(&log->teller, ending->moment, &told);
}

/* Nobody knows how many these were. */
static void lose_ends(struct flow_log *log, int r)
{
	if (r == -ENOBUFS) {
		flow_counts_add(&log->counts.ends, 1);
		flow_counts_add(&log->counts.results[FLOW_LOST_ENDS], 1);
		return;
	}
	log_error("flow log: the ends of flows are not told of any more: %s",
		  strerror(-r));
	atomic_store_explicit(&log->counts.ends_fail, true,
			      memory_order_relaxed);
	conntrack_ends_leave(log->ends);
}

static bool hears_ends(const struct flow_log *log)
{
	return log->ends && !atomic_load_explicit(&log->counts.ends_fail,
						  memory_order_relaxed);
}

static bool take_ends(struct flow_log *log)
{
	struct flow_moment moment;
	struct ending ending = { log, &moment };
	int r = 1;

	if (!hears_ends(log))
		return false;
	moment = begin_section();
	for (int i = 0; i < TURN && r > 0 && !is_over(&moment); i++)
		r = conntrack_ends_read(log->ends, take_end, &ending);
	rcu_section_end();
	if (r < 0)
		lose_ends(log, r);
	return r != 0;
}

/* Those whose interval is over by @time_us. Returns whether there may be more.
 */
static bool tell_due(struct flow_log *log, int64_t time_us)
{
	struct flow_moment moment = begin_section();
	bool more = true;

	for (int i = 0; i < TURN && more && !is_over(&moment); i++)
		more = flow_teller_tell_due(&log->teller, &moment, time_us);
	rcu_section_end();
	return more;
}

/* What was left in a ring that nobody read is of long ago. */
static void begin_to_read(struct flow_log *log)
{
	struct flow_event event;
	struct flow_hit hit;

	for (unsigned int i = 0; i < log->n_rings; i++)
		while (flow_ring_take(log->rings[i], &event))
			;
	while (hit_ring_take(log->hits, &hit))
		;
}

static void set_read(struct flow_log *log, bool is_read)
{
	for (unsigned int i = 0; i < log->n_rings; i++)
		flow_ring_set_read(log->rings[i], is_read);
	hit_ring_set_read(log->hits, is_read);
}

/* Nobody writes anything down where there is no log, and nobody looks. With the
   watch's lock, as all reading of rings is: this thread may be the looker's,
   who is owed what is judged from his answer on, however late the logger wakes.
 */
static void turn(void *ctx, bool is_watched)
{
	struct flow_log *log = ctx;

	if (log->is_written)
		return;
	if (is_watched)
		begin_to_read(log);
	set_read(log, is_watched);
}

static bool work(struct flow_log *log)
{
	bool more;

	log->is_watched = flow_watch_is_on(
		log->watch, flow_counts_result(&log->counts, FLOW_LOST_RING),
		clock_us());
	more = take_turns(log);
	more |= take_hits(log);
	if (!log->is_written)
		return more && log->is_watched;
	more |= take_ends(log);
	more |= tell_due(log, clock_us());
	if (atomic_exchange_explicit(&log->reopens, false,
				     memory_order_acquire))
		flow_sink_reopen(log->sink);
	flow_sink_work(log->sink, clock_us());
	return more;
}

static void sleep_until_something(struct flow_log *log)
{
	const bool is_idle = !log->is_written && !log->is_watched;
	struct pollfd fds[] = {
		{ .fd = log->wake_fd, .events = POLLIN },
		{ .fd = -1 },
	};
	uint64_t ignored;

	if (log->is_written)
		fds[1] = flow_sink_poll(log->sink);
	if (poll(fds, 2, is_idle ? -1 : LOOK_EVERY_MS) > 0 && fds[0].revents &&
	    read(log->wake_fd, &ignored, sizeof(ignored)) < 0)
		return; /* cannot happen: it was readable */
}

static void ignore_end(void *ctx, const struct conntrack_end *end)
{
	(void)ctx;
	(void)end;
}

/* There was no time to read all of them. */
static void give_up_ends(struct flow_log *log)
{
	if (hears_ends(log) &&
	    conntrack_ends_read(log->ends, ignore_end, NULL) != 0)
		lose_ends(log, -ENOBUFS);
}

/* No worker writes any more. */
static void finish(struct flow_log *log)
{
	int64_t until_us = clock_us() + LAST_ENDS_US;
	bool more;

	while ((more = work(log)) && clock_us() < until_us)
		;
	if (more)
		give_up_ends(log);
	conntrack_ends_close(log->ends);
	log->ends = NULL;
	while (work(log))
		;
	while (log->is_written && tell_due(log, FLOW_FOLD_END))
		flow_sink_work(log->sink, clock_us());
	flow_sink_close(log->sink, LAST_PATIENCE_MS);
	log->sink = NULL;
}

static void release(struct flow_log *log)
{
	flow_sink_close(log->sink, 0);
	for (unsigned int i = 0; log->rings && i < log->n_rings; i++)
		flow_ring_free(log->rings[i]);
	free(log->rings);
	hit_ring_free(log->hits);
	flow_watch_free(log->watch);
	conntrack_ends_close(log->ends);
	flow_teller_release(&log->teller);
	if (log->wake_fd >= 0)
		close(log->wake_fd);
	if (log->ended_fd >= 0)
		close(log->ended_fd);
	free(log->node);
	free(log->path);
	free(log);
}

static void leave(struct flow_log *log)
{
	if (atomic_exchange_explicit(&log->is_of_one, true,
				     memory_order_acq_rel))
		release(log);
}

static void ring(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return; /* it was rung, and nobody has looked */
}

static void *run(void *ctx)
{
	struct flow_log *log = ctx;

	rcu_thread_begin();
	while (!atomic_load_explicit(&log->stops, memory_order_acquire))
		if (!work(log))
			sleep_until_something(log);
	finish(log);
	rcu_thread_end();
	ring(log->ended_fd);
	leave(log);
	return NULL;
}

/* ---- begin and end ------------------------------------------------------- */

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to tell of flows");
}

static int make_rings(struct flow_log *log, struct err *err)
{
	log->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	log->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (log->wake_fd < 0 || log->ended_fd < 0)
		return err_set(err, -errno, "cannot begin to tell of flows: %s",
			       strerror(errno));
	for (unsigned int i = 0; log->rings && i < log->n_rings; i++) {
		log->rings[i] = flow_ring_new(log->wake_fd);
		if (!log->rings[i])
			return no_memory(err);
		flow_ring_set_read(log->rings[i], log->is_written);
	}
	log->counts.rings = log->rings;
	log->counts.n_rings = log->rings ? log->n_rings : 0;
	log->hits = hit_ring_new();
	log->counts.hits = log->hits;
	log->watch = flow_watch_new(log->wake_fd, turn, log);
	if (!log->rings || !log->hits || !log->watch)
		return no_memory(err);
	hit_ring_set_read(log->hits, log->is_written);
	return 0;
}

static void flow_log_freep(struct flow_log **log)
{
	flow_log_free(*log);
}

static int copy_options(struct flow_log *log,
			const struct flow_log_options *options,
			const char *node, struct err *err)
{
	const char *path = options->target.path;

	log->node = strdup(node);
	log->path = path ? strdup(path) : NULL;
	if (!log->node || (path && !log->path))
		return no_memory(err);
	log->options = *options;
	log->options.target.path = log->path;
	log->teller = (struct flow_teller){ .options = &log->options,
					    .node = log->node,
					    .counts = &log->counts };
	return 0;
}

static int open_sink(struct flow_log *log, struct err *err)
{
	const struct flow_sink_options options = {
		.target = log->options.target,
		.rotate_bytes = log->options.rotate_bytes,
		.keep = log->options.keep,
	};
	int r = flow_sink_open(&options, &log->counts, &log->sink, err);

	log->teller.sink = log->sink;
	return r;
}

/* Who cannot know how much it was is told so once. */
static void report_ends(void)
{
	if (!conntrack_setting_is_on(CONNTRACK_EVENTS))
		log_warning("flow log: the kernel tells of no end: %s is 0",
			    conntrack_setting_name(CONNTRACK_EVENTS));
	if (!conntrack_setting_is_on(CONNTRACK_ACCT))
		log_warning("flow log: ends come without bytes and packets, "
			    "which the kernel does not count: %s is 0",
			    conntrack_setting_name(CONNTRACK_ACCT));
}

static int open_ends(struct flow_log *log, struct err *err)
{
	int r;

	if (!log->options.with_ends)
		return 0;
	log->counts.tells_ends = true;
	r = mark_layout_init(&log->marks, log->options.mark_mask, err);
	if (r == 0)
		r = conntrack_ends_open(&log->ends, err);
	if (r == 0)
		report_ends();
	return r < 0 ? err_prefix(err, "flow log: ") : 0;
}

/* What is for a log that is written. */
static int open_log(struct flow_log *log, struct err *err)
{
	int r = flow_teller_init(&log->teller, err);

	if (r == 0)
		r = open_sink(log, err);
	if (r == 0)
		r = open_ends(log, err);
	return r;
}

static int start_thread(struct flow_log *log, struct err *err)
{
	int r;

	atomic_store(&log->is_of_one, false);
	r = pthread_create(&log->thread, NULL, run, log);
	if (r) {
		atomic_store(&log->is_of_one, true);
		return err_set(err, -r, "cannot begin to tell of flows: %s",
			       strerror(r));
	}
	pthread_setname_np(log->thread, "flow-log");
	log->is_running = true;
	return 0;
}

int flow_log_start(const struct flow_log_options *options, const char *node,
		   unsigned int n_rings, struct flow_log **out, struct err *err)
{
	CLEANUP(flow_log_freep) struct flow_log *log = calloc(1, sizeof(*log));
	int r;

	if (!log)
		return no_memory(err);
	atomic_init(&log->is_of_one, true);
	log->is_written = options->target.kind != FLOW_TARGET_OFF;
	log->wake_fd = log->ended_fd = -1;
	log->n_rings = n_rings;
	log->rings = calloc(n_rings, sizeof(struct flow_ring *));
	r = copy_options(log, options, node, err);
	if (r == 0)
		r = make_rings(log, err);
	if (r == 0 && log->is_written)
		r = open_log(log, err);
	if (r == 0)
		r = start_thread(log, err);
	if (r < 0)
		return r;
	*out = log;
	log = NULL;
	return 0;
}

static uint64_t count_left(const struct flow_log *log)
{
	return flow_counts_total(&log->counts).on_the_way;
}

/* Returns whether it has ended. Whoever waits in a system call cannot be told
   to end. */
static bool await_end(struct flow_log *log)
{
	struct pollfd ended = { .fd = log->ended_fd, .events = POLLIN };
	int64_t now_us = clock_us(), since_us = now_us;
	int64_t until_us = now_us + STOP_PATIENCE_US;
	uint64_t left = count_left(log), before = left;
	bool has_ended = false;

	while (!has_ended && now_us < until_us &&
	       now_us - since_us < STILL_PATIENCE_US) {
		has_ended = poll(&ended, 1, LOOK_EVERY_MS) > 0;
		now_us = clock_us();
		left = count_left(log);
		if (left != before)
			since_us = now_us;
		before = left;
	}
	if (has_ended)
		pthread_join(log->thread, NULL);
	else
		pthread_detach(log->thread);
	return has_ended;
}

static const char *name_of(const struct flow_log *log)
{
	return log->path ? log->path : "standard output";
}

static void report_end(const struct flow_log *log, bool has_ended)
{
	struct flow_totals n = flow_counts_total(&log->counts);

	if (!has_ended) {
		log_warning("flow log: writing to '%s' does not end: nobody "
			    "waits for it any more, and the records of %llu "
			    "packets are lost",
			    name_of(log), (unsigned long long)n.on_the_way);
		n.lost += n.on_the_way;
	}
	log_info("flow log: judged=%llu logged=%llu folded=%llu "
		 "suppressed=%llu lost=%llu by_kernel=%llu ends=%llu",
		 (unsigned long long)(n.taken - n.by_kernel - n.ends),
		 (unsigned long long)n.logged, (unsigned long long)n.folded,
		 (unsigned long long)n.suppressed, (unsigned long long)n.lost,
		 (unsigned long long)n.by_kernel, (unsigned long long)n.ends);
}

void flow_log_stop(struct flow_log *log)
{
	bool has_ended;

	if (!log || !log->is_running)
		return;
	atomic_store_explicit(&log->stops, true, memory_order_release);
	ring(log->wake_fd);
	has_ended = await_end(log);
	log->is_running = false;
	if (log->is_written)
		report_end(log, has_ended);
}

void flow_log_free(struct flow_log *log)
{
	if (!log)
		return;
	flow_log_stop(log);
	leave(log);
}

struct flow_ring *flow_log_ring(struct flow_log *log, unsigned int worker)
{
	return log ? log->rings[worker] : NULL;
}

struct hit_ring *flow_log_hits(struct flow_log *log)
{
	return log ? log->hits : NULL;
}

void flow_log_reopen(struct flow_log *log)
{
	if (!log || !log->is_written)
		return;
	atomic_store_explicit(&log->reopens, true, memory_order_release);
	ring(log->wake_fd);
}

void flow_log_hear_ends(struct flow_log *log)
{
	struct err err;

	if (!log || !log->ends || conntrack_ends_join(log->ends, &err) == 0)
		return;
	log_error("flow log: the ends of flows are not told of: %s",
		  err.message);
	atomic_store_explicit(&log->counts.ends_fail, true,
			      memory_order_relaxed);
}

void flow_log_leave_ends(struct flow_log *log)
{
	if (log && log->ends)
		conntrack_ends_leave(log->ends);
}

const struct flow_counts *flow_log_counts(const struct flow_log *log)
{
	return log && log->is_written ? &log->counts : NULL;
}

struct flow_watch *flow_log_watch(struct flow_log *log)
{
	return log->watch;
}
