/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/kube_source_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "netpold/api_reader.h"

#include "clock.h"
#include "kube/http.h"
#include "log.h"

/* Rounds of work before somebody else has a turn. */
enum { MAX_ROUNDS = 16 };

/* ---- resources that are not enforced ------------------------------------- */

/* Nobody may believe that they hold. How many there are is in the status. */
static void report_extra(struct kube_source *source)
{
	bool has_some = source->extra.n > 0;

	if (has_some == source->told_of_extra)
		return;
	source->told_of_extra = has_some;
	if (has_some)
		log_warning("NOT ENFORCED: %s has %zu ClusterNetworkPolicy "
			    "objects, which netpold does not enforce; traffic "
			    "is judged by NetworkPolicies alone",
			    source->server.name, source->extra.n);
	else
		log_info("%s has no ClusterNetworkPolicy any more",
			 source->server.name);
}

static int take_extra(struct kube_source *source, const struct api_event *event,
		      bool listing)
{
	struct name_set *names =
		listing ? &source->listed_extra : &source->extra;
	int r = 0;

	if (event->type == API_DELETED)
		name_set_drop(names, event->namespace, event->name);
	else
		r = name_set_put(names, event->namespace, event->name);
	if (!listing)
		report_extra(source);
	return r;
}

static void end_extra(struct kube_source *source)
{
	name_set_move(&source->extra, &source->listed_extra);
	report_extra(source);
}

/* ---- what reflectors bring ----------------------------------------------- */

static int begin(void *ctx, enum kube_resource which)
{
	struct kube_source *source = ctx;

	if (kube_source_is_extra(which)) {
		name_set_clear(&source->listed_extra);
		return 0;
	}
	return kube_store_begin(
		&source->store, which,
		reflector_status(source->reflectors[which])->is_synced);
}

static int take(void *ctx, enum kube_resource which,
		const struct api_event *event, bool listing)
{
	struct kube_source *source = ctx;

	return kube_source_is_extra(which)
		       ? take_extra(source, event, listing)
		       : kube_store_take(&source->store, which, event, listing);
}

static void look_whether_synced(struct kube_source *source,
				enum kube_resource just_ended)
{
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		if (i != (int)just_ended && kube_source_decides(i) &&
		    !reflector_status(source->reflectors[i])->is_synced)
			return;
	}
	source->synced = source->store.changed = true;
}

static int end(void *ctx, enum kube_resource which)
{
	struct kube_source *source = ctx;
	int r;

	if (kube_source_is_extra(which)) {
		end_extra(source);
		return 0;
	}
	r = kube_store_end(&source->store, which);
	if (r == 0 && !source->synced)
		look_whether_synced(source, which);
	return r;
}

static void abort_list(void *ctx, enum kube_resource which)
{
	struct kube_source *source = ctx;

	if (kube_source_decides(which))
		kube_store_abort(&source->store, which);
}

static int gone(void *ctx, enum kube_resource which)
{
	struct kube_source *source = ctx;

	(void)which; /* only extra ones can be */
	name_set_clear(&source->extra);
	report_extra(source);
	return 0;
}

/* ---- work ---------------------------------------------------------------- */

static int64_t due_us(const struct kube_source *source)
{
	int64_t first_us = INT64_MAX;

	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		int64_t due = reflector_due_us(source->reflectors[i]);

		if (due < first_us)
			first_us = due;
	}
	return first_us;
}

/* A time of zero would stop the timer. */
static void set_timer(const struct kube_source *source)
{
	int64_t at_us = due_us(source);
	struct itimerspec at = { 0 };

	if (at_us < 1)
		at_us = 1;
	if (at_us != INT64_MAX) {
		at.it_value.tv_sec = at_us / 1000000;
		at.it_value.tv_nsec = at_us % 1000000 * 1000;
	}
	timerfd_settime(source->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

size_t kube_source_work(struct kube_source *source)
{
	size_t n_received = 0;

	for (int round = 0; round < MAX_ROUNDS; round++) {
		int64_t now_us;

		n_received += http_work(source->http);
		now_us = clock_us();
		if (due_us(source) > now_us)
			break;
		for (int i = 0; i < N_KUBE_RESOURCES; i++)
			reflector_work(source->reflectors[i], now_us);
	}
	set_timer(source);
	return n_received;
}

int kube_source_fd(const struct kube_source *source)
{
	return source->fd;
}

void kube_source_hurry(struct kube_source *source)
{
	http_renew_token(source->http);
	for (int i = 0; i < N_KUBE_RESOURCES; i++)
		reflector_hurry(source->reflectors[i]);
	set_timer(source);
}

bool kube_source_take_change(struct kube_source *source)
{
	bool changed = source->store.changed;

	source->store.changed = false;
	return changed;
}

/* ---- what it has --------------------------------------------------------- */

bool kube_source_is_synced(const struct kube_source *source)
{
	return source->synced;
}

struct cluster *kube_source_cluster(const struct kube_source *source)
{
	return source->store.cluster;
}

static void close_reflectors(struct kube_source *source)
{
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		reflector_free(source->reflectors[i]);
		source->reflectors[i] = NULL;
	}
}

struct cluster *kube_source_leave(struct kube_source *source)
{
	struct cluster *cluster = source->store.cluster;

	close_reflectors(source);
	source->store.cluster = NULL;
	return cluster;
}

/* ---- life ---------------------------------------------------------------- */

static int watch_fd(const struct kube_source *source, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(source->fd, EPOLL_CTL_ADD, fd, &event);
}

static int open_fds(struct kube_source *source, struct err *err)
{
	source->fd = epoll_create1(EPOLL_CLOEXEC);
	source->timer =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (source->fd < 0 || source->timer < 0 ||
	    watch_fd(source, source->timer) < 0 ||
	    watch_fd(source, http_fd(source->http)) < 0)
		return err_set(err, -errno, "cannot wait for an API server: %s",
			       strerror(errno));
	return 0;
}

static int open_reflectors(struct kube_source *source, struct err *err)
{
	uint64_t seeds[N_KUBE_RESOURCES];

	if (getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
		return err_set(err, -errno, "cannot draw random numbers: %s",
			       strerror(errno));
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		struct reflector_options options = {
			.which = i,
			.node_name = source->options.node_name,
			.http = source->http,
			.server = &source->server,
			.sink = &source->sink,
			.seed = seeds[i] | 1,
		};

		if (reflector_new(&options, &source->reflectors[i]) < 0)
			return err_set(err, -ENOMEM, "no memory to start");
	}
	return 0;
}

static int open_all(struct kube_source *source, struct err *err)
{
	int r = kube_access_find(&source->options.choice, &source->access, err);

	if (r == 0)
		r = http_open(&source->access, &source->http, err);
	if (r < 0)
		return r;
	source->server = (struct reflector_server){
		.name = source->access.server,
		.is_asked_once = source->options.is_asked_once,
		.report = source->options.report,
		.report_ctx = source->options.report_ctx,
	};
	source->store.before_change = source->options.before_change;
	source->store.ctx = source->options.ctx;
	if (kube_store_init(&source->store) < 0)
		return err_set(err, -ENOMEM, "no memory to start");
	r = open_fds(source, err);
	if (r == 0)
		r = open_reflectors(source, err);
	return r;
}

int kube_source_open(const struct kube_source_options *options,
		     struct kube_source **out, struct err *err)
{
	struct kube_source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return err_set(err, -ENOMEM, "no memory to start");
	source->options = *options;
	source->fd = source->timer = -1;
	source->sink = (struct reflector_sink){
		.ctx = source,
		.begin = begin,
		.take = take,
		.end = end,
		.abort = abort_list,
		.gone = gone,
	};
	r = open_all(source, err);
	if (r < 0) {
		kube_source_close(source);
		return r;
	}
	set_timer(source);
	*out = source;
	return 0;
}

void kube_source_close(struct kube_source *source)
{
	if (!source)
		return;
	close_reflectors(source);
	http_close(source->http);
	kube_store_release(&source->store);
	name_set_clear(&source->extra);
	name_set_clear(&source->listed_extra);
	if (source->timer >= 0)
		close(source->timer);
	if (source->fd >= 0)
		close(source->fd);
	kube_access_release(&source->access);
	free(source);
}
