/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "confine.h"
#include "datapath/queue_status.h"
#include "datapath/worker.h"
#include "fault.h"
#include "log.h"
#include "observe/metrics.h"
#include "observe/stall.h"
#include "observe/status_board.h"

/* Some ten thousand times as long as a batch takes. */
#define LOOK_EVERY_MS 1000

/* One worker. */
struct watch {
	/* owned by the thread */
	struct stall stall;
	enum stall_news news; /* of the last look */
	int64_t age_us;	      /* how long it had stood still by then */
	/* written by the thread, read by any */
	_Atomic uint64_t n_stalls;
	atomic_bool stalled;
};

struct watchdog {
	/* set before the thread starts */
	struct watchdog_options options;
	const struct worker **workers;
	int stop_fd; /* readable: the thread is to end */
	pthread_t thread;
	/* owned by the thread */
	struct queue_status *queues; /* by worker */
	/* by worker; see there */
	struct watch *watches;
};

/* ---- telling ------------------------------------------------------------ */

static unsigned int queue_of(const struct watchdog *watchdog, unsigned int i)
{
	return watchdog->options.queue_base + i;
}

/* What has its number. */
static const char *source_of(const struct watchdog *watchdog)
{
	return watchdog->options.audits ? "log group" : "queue";
}

static void report_began(const struct watchdog *watchdog, unsigned int i,
			 int64_t age_us)
{
	char n[16] = "";

	if (!watchdog->options.audits)
		snprintf(n, sizeof(n), " (%u)", watchdog->queues[i].waiting);
	log_error("the worker of %s %u stands still: it has received nothing "
		  "for %.1f s while %s wait%s",
		  source_of(watchdog), queue_of(watchdog, i),
		  (double)age_us / 1000000,
		  watchdog->options.audits ? "copies of packets" : "packets",
		  n);
}

static void report_ended(const struct watchdog *watchdog, unsigned int i,
			 int64_t age_us)
{
	log_info("the worker of %s %u moves again, after %.1f s",
		 source_of(watchdog), queue_of(watchdog, i),
		 (double)age_us / 1000000);
}

static void report(const struct watchdog *watchdog, unsigned int i)
{
	const struct watch *watch = &watchdog->watches[i];

	if (watch->news == STALL_BEGAN)
		report_began(watchdog, i, watch->age_us);
	else if (watch->news == STALL_ENDED)
		report_ended(watchdog, i, watch->age_us);
}

/* All that stand still, since the first of them does. */
static void put_up(const struct watchdog *watchdog, int64_t now_us)
{
	struct status_trouble trouble = { .since_us = 0 };
	unsigned int n = 0, first = 0;
	int64_t since_us = now_us;

	for (unsigned int i = 0; i < watchdog->options.n_workers; i++) {
		const struct stall *stall = &watchdog->watches[i].stall;

		if (!stall_lasts(stall))
			continue;
		if (n++ == 0)
			first = i;
		if (stall->since_us < since_us)
			since_us = stall->since_us;
	}
	if (n > 0)
		trouble.since_us = clock_wall_us() - (now_us - since_us);
	if (n == 1)
		snprintf(trouble.reason, sizeof(trouble.reason),
			 "the worker of %s %u stands still while packets "
			 "wait for it",
			 source_of(watchdog), queue_of(watchdog, first));
	else if (n > 1)
		snprintf(trouble.reason, sizeof(trouble.reason),
			 "the workers of %u queues stand still while packets "
			 "wait for them, the first is that of queue %u",
			 n, queue_of(watchdog, first));
	status_board_put_stalled(watchdog->options.board, &trouble);
}

/* ---- looking ------------------------------------------------------------ */

/* What is held was received: it waits for somebody else. Copies are in no list
   that has their number, and that there are some is enough. */
static uint32_t count_waiting(const struct watchdog *watchdog, unsigned int i,
			      const struct worker_counters *counters)
{
	const struct queue_status *queue = &watchdog->queues[i];

	if (watchdog->options.audits)
		return worker_copies_wait(watchdog->workers[i]);
	if (!queue->known || queue->waiting <= counters->holding)
		return 0;
	return (uint32_t)(queue->waiting - counters->holding);
}

static enum stall_news look_at(struct watchdog *watchdog, unsigned int i,
			       int64_t now_us)
{
	struct watch *watch = &watchdog->watches[i];
	struct worker_counters counters = { 0 };
	uint32_t waiting;

	watch->age_us = now_us - watch->stall.since_us;
	worker_count(watchdog->workers[i], &counters);
	waiting = count_waiting(watchdog, i, &counters);
	watch->news =
		stall_look(&watch->stall, waiting, counters.packets, now_us);
	switch (watch->news) {
	case STALL_NO_NEWS:
		break;
	case STALL_BEGAN:
		atomic_fetch_add_explicit(&watch->n_stalls, 1,
					  memory_order_relaxed);
		atomic_store_explicit(&watch->stalled, true,
				      memory_order_relaxed);
		break;
	case STALL_ENDED:
		atomic_store_explicit(&watch->stalled, false,
				      memory_order_relaxed);
		break;
	}
	return watch->news;
}

/* A list that cannot be read, or that lacks a queue, tells of none that
   waits. Who reads a line of the log finds on the board what it says. */
static void look(struct watchdog *watchdog)
{
	unsigned int n = watchdog->options.n_workers;
	int64_t now_us = clock_us();
	bool news = false;

	if (!watchdog->options.audits)
		queue_status_read(QUEUE_STATUS_PATH,
				  watchdog->options.queue_base,
				  watchdog->queues, n);
	for (unsigned int i = 0; i < n; i++)
		news |= look_at(watchdog, i, now_us) != STALL_NO_NEWS;
	if (!news)
		return;
	put_up(watchdog, now_us);
	for (unsigned int i = 0; i < n; i++)
		report(watchdog, i);
}

static void *watch_workers(void *ctx)
{
	struct watchdog *watchdog = ctx;
	struct pollfd stop = { .fd = watchdog->stop_fd, .events = POLLIN };

	confine_thread(CONFINE_READER);
	fault_breach("watchdog");
	while (poll(&stop, 1, LOOK_EVERY_MS) <= 0)
		look(watchdog);
	return NULL;
}

/* ---- start and stop ----------------------------------------------------- */

static void release(struct watchdog **watchdog)
{
	struct watchdog *w = *watchdog;

	if (!w)
		return;
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	free(w->workers);
	free(w->queues);
	free(w->watches);
	free(w);
}

static struct watchdog *new_watchdog(const struct watchdog_options *options)
{
	CLEANUP(release) struct watchdog *watchdog = NULL;
	struct watchdog *result;
	size_t n = options->n_workers;

	watchdog = calloc(1, sizeof(*watchdog));
	if (!watchdog)
		return NULL;
	watchdog->options = *options;
	watchdog->stop_fd = -1;
	watchdog->workers = calloc(n, sizeof(const struct worker *));
	watchdog->queues = calloc(n, sizeof(*watchdog->queues));
	watchdog->watches = calloc(n, sizeof(*watchdog->watches));
	if (!watchdog->workers || !watchdog->queues || !watchdog->watches)
		return NULL;
	for (size_t i = 0; i < n; i++)
		watchdog->workers[i] = options->workers[i];
	result = watchdog;
	watchdog = NULL;
	return result;
}

int watchdog_start(const struct watchdog_options *options,
		   struct watchdog **out, struct err *err)
{
	CLEANUP(release) struct watchdog *watchdog = new_watchdog(options);
	int r;

	if (!watchdog)
		return err_set(err, -ENOMEM, "no memory for the watchdog");
	watchdog->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (watchdog->stop_fd < 0)
		return err_set(err, -errno, "cannot start the watchdog: %s",
			       strerror(errno));
	r = pthread_create(&watchdog->thread, NULL, watch_workers, watchdog);
	if (r)
		return err_set(err, -r, "cannot start the watchdog: %s",
			       strerror(r));
	pthread_setname_np(watchdog->thread, "watchdog");
	*out = watchdog;
	watchdog = NULL;
	return 0;
}

void watchdog_stop(struct watchdog *watchdog)
{
	uint64_t one = 1;

	if (!watchdog)
		return;
	if (write(watchdog->stop_fd, &one, sizeof(one)) < 0)
		return; /* cannot happen: the counter is at zero */
	pthread_join(watchdog->thread, NULL);
	release(&watchdog);
}

/* ---- metrics ------------------------------------------------------------ */

static uint64_t read_stalls(const void *ctx)
{
	const struct watch *watch = ctx;

	return atomic_load_explicit(&watch->n_stalls, memory_order_relaxed);
}

static double read_stalled(const void *ctx)
{
	const struct watch *watch = ctx;

	return atomic_load_explicit(&watch->stalled, memory_order_relaxed);
}

static const struct metric rows[] = {
	{ .name = "netpold_worker_stalls_total",
	  .unit = "stalls",
	  .help = "Times that a worker stood still while packets waited.",
	  .label = "worker",
	  .read.counter = read_stalls },
	{ .name = "netpold_worker_stalled",
	  .unit = "state",
	  .help = "1 while a worker stands still and packets wait.",
	  .kind = METRIC_GAUGE,
	  .label = "worker",
	  .read.gauge = read_stalled },
};

int watchdog_register(const struct watchdog *watchdog, struct metrics *metrics)
{
	int r = 0;

	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct metric metric = rows[row];

		for (unsigned int i = 0;
		     i < watchdog->options.n_workers && r == 0; i++) {
			snprintf(metric.label_value, METRIC_LABEL_LEN, "%u", i);
			metric.ctx = &watchdog->watches[i];
			r = metrics_add(metrics, &metric);
		}
	}
	return r;
}
