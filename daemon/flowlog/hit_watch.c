/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/hit_watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "netpold/addr.h"
#include "netpold/cleanup.h"
#include "netpold/snapshot.h"

#include "clock.h"
#include "confine.h"
#include "datapath/ipset.h"
#include "datapath/memo_growth.h"
#include "datapath/memo_set.h"
#include "datapath/rules.h"
#include "fault.h"
#include "flowlog/flow_hit.h"
#include "flowlog/hit_ring.h"
#include "log.h"

/* A denial is remembered for half a minute, and its last interval is lost. */
#define INTERVAL_US 1000000

/* Of the time it walks this part at most. */
#define PART 50

/* By verdict, and IPv4, IPv6. */
#define N_SETS 4

struct watched {
	const char *name;
	enum verdict verdict;
	struct memo_growth *growth; /* NULL: there is no such set */
};

struct hit_watch {
	/* set before the thread starts */
	struct ipset *ipset;
	struct hit_ring *ring;
	int stop_fd;
	pthread_t thread;
	bool is_running; /* who starts it */
	/* the thread's */
	struct watched sets[N_SETS];
	bool is_troubled; /* that was logged; its end will be */
};

/* ---- the thread ---------------------------------------------------------- */

struct walk {
	struct hit_watch *watch;
	struct watched *set;
	int64_t at_us; /* Unix time */
};

static int tell(void *ctx, const struct memo *member,
		const struct memo_counters *counters)
{
	const struct walk *walk = ctx;
	struct memo_grown grown = memo_growth_see(walk->set->growth, member,
						  counters, clock_us());
	const struct flow_hit hit = {
		.memo = *member,
		.verdict = (uint8_t)walk->set->verdict,
		.at_us = walk->at_us,
		.packets = grown.packets,
		.bytes = grown.bytes,
	};

	if (grown.packets > 0)
		hit_ring_put(walk->watch->ring, &hit);
	return 0;
}

/* Whoever repairs a set that somebody has destroyed says so. */
static int walk_set(struct hit_watch *watch, struct watched *set,
		    struct err *err)
{
	struct walk walk = { watch, set, clock_wall_us() };
	int r;

	memo_growth_begin(set->growth, clock_us());
	r = memo_set_walk(watch->ipset, set->name, tell, &walk, err);
	if (r == 0)
		memo_growth_end(set->growth);
	return r == -ENOENT ? 0 : r;
}

static void note(struct hit_watch *watch, int r, const struct err *err)
{
	bool is_troubled = r < 0;

	if (is_troubled && !watch->is_troubled)
		log_warning("flow log: what the kernel answers by itself is "
			    "not told of: %s; trying again",
			    err->message);
	else if (!is_troubled && watch->is_troubled)
		log_info("flow log: what the kernel answers by itself is told "
			 "of again");
	watch->is_troubled = is_troubled;
}

static void walk_all(struct hit_watch *watch)
{
	struct err err = { .message = "" };
	int result = 0;

	for (size_t i = 0; i < N_SETS; i++) {
		int r = 0;

		if (watch->sets[i].growth)
			r = walk_set(watch, &watch->sets[i], &err);
		if (r < 0)
			result = r;
	}
	note(watch, result, &err);
}

/* Returns whether it is to end. */
static bool rest(const struct hit_watch *watch, int64_t walked_us)
{
	struct pollfd stop = { .fd = watch->stop_fd, .events = POLLIN };
	int64_t pause_us = walked_us * (PART - 1);

	if (pause_us < INTERVAL_US)
		pause_us = INTERVAL_US;
	return poll(&stop, 1, (int)(pause_us / 1000)) > 0;
}

/* Returns whether it is to end. */
static bool watch_for_reader(struct hit_watch *watch)
{
	bool ends = false;

	while (!ends && hit_ring_is_read(watch->ring)) {
		int64_t began_us = clock_us();

		walk_all(watch);
		ends = rest(watch, clock_us() - began_us);
	}
	if (ends && hit_ring_is_read(watch->ring))
		walk_all(watch);
	return ends;
}

static void forget_all(struct hit_watch *watch)
{
	for (size_t i = 0; i < N_SETS; i++)
		if (watch->sets[i].growth)
			memo_growth_forget(watch->sets[i].growth);
}

/* Returns false where it is to end. */
static bool await_reader(const struct hit_watch *watch)
{
	struct pollfd fds[] = {
		{ .fd = watch->stop_fd, .events = POLLIN },
		{ .fd = hit_ring_set_fd(watch->ring), .events = POLLIN },
	};
	uint64_t ignored;

	while (!hit_ring_is_read(watch->ring)) {
		if (poll(fds, 2, -1) > 0 && fds[0].revents)
			return false;
		if (fds[1].revents &&
		    read(fds[1].fd, &ignored, sizeof(ignored)) < 0)
			continue; /* cannot happen: it was readable */
	}
	return true;
}

static void *run(void *ctx)
{
	struct hit_watch *watch = ctx;

	confine_thread(CONFINE_READER);
	fault_breach("hits");
	while (await_reader(watch) && !watch_for_reader(watch))
		forget_all(watch);
	return NULL;
}

/* ---- begin and end ------------------------------------------------------- */

static int describe(struct hit_watch *watch, const bool remember[2],
		    struct err *err)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	uint64_t hash_key[2];

	if (getrandom(hash_key, sizeof(hash_key), 0) != sizeof(hash_key))
		return err_set(err, -errno, "cannot draw a random key: %s",
			       strerror(errno));
	for (size_t i = 0; i < N_SETS; i++) {
		struct watched *set = &watch->sets[i];

		set->verdict = i < 2 ? VERDICT_DENY : VERDICT_ALLOW;
		set->name = rules_answers_name(set->verdict, families[i % 2]);
		if (!remember[set->verdict])
			continue;
		set->growth = memo_growth_new(hash_key);
		if (!set->growth)
			return err_set(
				err, -ENOMEM,
				"no memory to watch the kernel's answers");
	}
	return 0;
}

static void hit_watch_stopp(struct hit_watch **watch)
{
	hit_watch_stop(*watch);
}

int hit_watch_start(const bool remember[2], struct hit_ring *ring,
		    struct hit_watch **out, struct err *err)
{
	CLEANUP(hit_watch_stopp) struct hit_watch *watch = NULL;
	int r;

	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return err_set(err, -ENOMEM,
			       "no memory to watch the kernel's answers");
	watch->ring = ring;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watch->stop_fd < 0)
		return err_set(err, -errno,
			       "cannot watch the kernel's answers: %s",
			       strerror(errno));
	r = describe(watch, remember, err);
	if (r == 0)
		r = ipset_open(&watch->ipset, err);
	if (r < 0)
		return r;
	r = fault_stands("hits")
		    ? pthread_create(&watch->thread, NULL, run, watch)
		    : EAGAIN;
	if (r)
		return err_set(err, -r, "cannot watch the kernel's answers: %s",
			       strerror(r));
	pthread_setname_np(watch->thread, "flow-hits");
	watch->is_running = true;
	*out = watch;
	watch = NULL;
	return 0;
}

void hit_watch_stop(struct hit_watch *watch)
{
	uint64_t one = 1;

	if (!watch)
		return;
	/* It cannot fail: nobody has written to it before. */
	if (watch->is_running &&
	    write(watch->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(watch->thread, NULL);
	for (size_t i = 0; i < N_SETS; i++)
		memo_growth_free(watch->sets[i].growth);
	ipset_close(watch->ipset);
	if (watch->stop_fd >= 0)
		close(watch->stop_fd);
	free(watch);
}
