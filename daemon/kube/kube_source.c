/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/kube_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "netpold/api_reader.h"
#include "netpold/cluster.h"
#include "netpold/object.h"

#include "clock.h"
#include "kube/http.h"
#include "kube/reflector.h"
#include "kube/resource.h"
#include "kube/unreadable.h"
#include "log.h"

/* Rounds of work before somebody else has a turn. */
enum { MAX_ROUNDS = 16 };

struct kube_source {
	struct kube_source_options options;
	struct kube_access access;
	struct reflector_server server;
	struct reflector_sink sink;
	struct http *http;
	struct reflector *reflectors[N_KUBE_RESOURCES];
	struct cluster *cluster;
	/* A list that comes in while the store is in force is put aside, so
	   that half of it decides nothing (API-32). */
	struct cluster *aside[N_KUBE_RESOURCES];
	struct unreadable unreadable[N_KUBE_RESOURCES];
	/* in the list that comes in */
	struct unreadable listed_unreadable[N_KUBE_RESOURCES];
	size_t n_extra;	 /* objects of resources that are not enforced */
	size_t n_listed; /* of them, in the list that comes in */
	size_t n_told;
	bool synced; /* and it stays so */
	bool changed;
	int fd; /* epoll, of these two */
	int timer;
};

/* ---- the store ----------------------------------------------------------- */

/* Each resource is a bundle of its own: so a list of it replaces it, and
   nothing else. */
static uint32_t bundle_of(enum kube_resource which)
{
	return (uint32_t)which + 1;
}

static int64_t now_ms(void)
{
	return clock_us() / 1000;
}

static void before_change(const struct kube_source *source)
{
	if (source->options.before_change)
		source->options.before_change(source->options.ctx);
}

static int note(struct kube_source *source, int r)
{
	source->changed |= r > 0;
	return r < 0 ? r : 0;
}

/* An event of a deletion says what it was; what that was called is enough. */
static int delete (struct kube_source *source, enum kube_resource which,
		   const struct api_event *event)
{
	struct object object = { .kind = resource_of(which)->kind };

	switch (object.kind) {
	case OBJECT_POD:
		object.pod.namespace = event->namespace;
		object.pod.name = event->name;
		object.pod.uid = event->uid;
		break;
	case OBJECT_NAMESPACE:
		object.namespace.name = event->name;
		break;
	case OBJECT_NETWORK_POLICY:
		object.policy.namespace = event->namespace;
		object.policy.name = event->name;
		break;
	case OBJECT_NODE:
		object.node.name = event->name;
		break;
	}
	return note(source, cluster_delete(source->cluster, &object, now_ms()));
}

/* What cannot be read in a list is what it was before. */
static int keep(struct kube_source *source, enum kube_resource which,
		const struct api_event *event, struct cluster *into)
{
	const struct object *known =
		cluster_find(source->cluster, resource_of(which)->kind,
			     event->namespace, event->name);
	int r = known ? cluster_put_in(into, bundle_of(which), known, now_ms())
		      : 0;

	return r < 0 ? r : 0;
}

static int put(struct kube_source *source, enum kube_resource which,
	       const struct api_event *event, bool listing)
{
	struct cluster *into = listing && source->aside[which]
				       ? source->aside[which]
				       : source->cluster;
	int r;

	if (!event->object)
		return listing ? keep(source, which, event, into) : 0;
	r = cluster_put_in(into, bundle_of(which), event->object, now_ms());
	return into == source->cluster ? note(source, r) : r < 0 ? r : 0;
}

/* Every object is heard of through here, so what is not good now was not good
   when it was heard of last. */
static int look_whether_readable(struct kube_source *source,
				 enum kube_resource which,
				 const struct api_event *event, bool listing)
{
	struct unreadable *set = listing ? &source->listed_unreadable[which]
					 : &source->unreadable[which];

	bool is_good = event->object && !event->is_narrowed;

	if (is_good || event->type == API_DELETED) {
		unreadable_drop(set, event->namespace, event->name);
		return 0;
	}
	return unreadable_put(set, event->namespace, event->name);
}

/* ---- resources that are not enforced ------------------------------------- */

static void count_extra(struct kube_source *source,
			const struct api_event *event, bool listing)
{
	size_t *n = listing ? &source->n_listed : &source->n_extra;

	if (event->type == API_ITEM || event->type == API_ADDED)
		++*n;
	else if (event->type == API_DELETED && *n > 0)
		--*n;
}

/* Nobody may believe that they hold. */
static void report_extra(struct kube_source *source)
{
	if (source->n_extra == source->n_told)
		return;
	source->n_told = source->n_extra;
	if (source->n_extra == 0)
		log_info("%s has no ClusterNetworkPolicy any more",
			 source->server.name);
	else
		log_warning("NOT ENFORCED: %s has %zu ClusterNetworkPolicy "
			    "objects, which netpold does not enforce; traffic "
			    "is judged by NetworkPolicies alone",
			    source->server.name, source->n_extra);
}

/* ---- what reflectors bring ----------------------------------------------- */

static bool is_extra(enum kube_resource which)
{
	return resource_of(which)->is_extra;
}

static bool decides(enum kube_resource which)
{
	return !is_extra(which);
}

/* Before anything is in force, the store itself can take the list in. */
static int begin(void *ctx, enum kube_resource which)
{
	struct kube_source *source = ctx;

	if (is_extra(which)) {
		source->n_listed = 0;
		return 0;
	}
	unreadable_clear(&source->listed_unreadable[which]);
	if (!source->synced) {
		cluster_replace_begin(source->cluster,
				      resource_of(which)->kind);
		return 0;
	}
	source->aside[which] = cluster_new();
	return source->aside[which] ? 0 : -ENOMEM;
}

static int take(void *ctx, enum kube_resource which,
		const struct api_event *event, bool listing)
{
	struct kube_source *source = ctx;
	int r;

	if (is_extra(which)) {
		count_extra(source, event, listing);
		if (!listing)
			report_extra(source);
		return 0;
	}
	r = look_whether_readable(source, which, event, listing);
	if (r < 0)
		return r;
	if (!listing || !source->aside[which])
		before_change(source);
	if (event->type == API_DELETED && !listing)
		return delete (source, which, event);
	return put(source, which, event, listing);
}

static int end_aside(struct kube_source *source, enum kube_resource which)
{
	uint32_t bundle = bundle_of(which);
	int r;

	before_change(source);
	r = note(source,
		 cluster_assign_bundles(source->cluster, &bundle, 1,
					source->aside[which], now_ms()));
	cluster_free(source->aside[which]);
	source->aside[which] = NULL;
	return r;
}

static void look_whether_synced(struct kube_source *source,
				enum kube_resource just_ended)
{
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		if (i != (int)just_ended && !is_extra(i) &&
		    !reflector_status(source->reflectors[i])->is_synced)
			return;
	}
	source->synced = source->changed = true;
}

static int end_in_place(struct kube_source *source, enum kube_resource which)
{
	int r;

	before_change(source);
	r = cluster_replace_end(source->cluster, resource_of(which)->kind,
				now_ms());
	if (r >= 0 && !source->synced)
		look_whether_synced(source, which);
	return note(source, r);
}

static int end(void *ctx, enum kube_resource which)
{
	struct kube_source *source = ctx;
	int r;

	if (is_extra(which)) {
		source->n_extra = source->n_listed;
		report_extra(source);
		return 0;
	}
	r = source->aside[which] ? end_aside(source, which)
				 : end_in_place(source, which);
	if (r >= 0)
		unreadable_move(&source->unreadable[which],
				&source->listed_unreadable[which]);
	return r;
}

static void abort_list(void *ctx, enum kube_resource which)
{
	struct kube_source *source = ctx;

	if (is_extra(which))
		return;
	if (source->aside[which])
		cluster_free(source->aside[which]);
	else
		cluster_replace_abort(source->cluster,
				      resource_of(which)->kind);
	source->aside[which] = NULL;
}

static int gone(void *ctx, enum kube_resource which)
{
	struct kube_source *source = ctx;

	(void)which; /* only extra ones can be */
	source->n_extra = 0;
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

void kube_source_work(struct kube_source *source)
{
	for (int round = 0; round < MAX_ROUNDS; round++) {
		int64_t now_us;

		http_work(source->http);
		now_us = clock_us();
		if (due_us(source) > now_us)
			break;
		for (int i = 0; i < N_KUBE_RESOURCES; i++)
			reflector_work(source->reflectors[i], now_us);
	}
	set_timer(source);
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
	bool changed = source->changed;

	source->changed = false;
	return changed;
}

/* ---- how it stands ------------------------------------------------------- */

bool kube_source_is_synced(const struct kube_source *source)
{
	return source->synced;
}

void kube_source_missing(const struct kube_source *source, char *text,
			 size_t size)
{
	size_t len = 0;

	*text = '\0';
	for (int i = 0; i < N_KUBE_RESOURCES && len < size; i++) {
		const struct kube_resource_status *status =
			reflector_status(source->reflectors[i]);

		if (is_extra(i) || status->is_synced)
			continue;
		len += (size_t)snprintf(
			text + len, size - len, "%s%s%s%.120s%s",
			len ? ", " : "", kube_resource_name(i),
			*status->trouble ? " (" : "", status->trouble,
			*status->trouble ? ")" : "");
	}
}

struct cluster *kube_source_cluster(const struct kube_source *source)
{
	return source->cluster;
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
	struct cluster *cluster = source->cluster;

	close_reflectors(source);
	source->cluster = NULL;
	return cluster;
}

static const char *find_trouble(const struct kube_source *source,
				bool (*counts)(enum kube_resource which))
{
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		const struct kube_resource_status *status =
			reflector_status(source->reflectors[i]);

		if (counts(i) && *status->trouble)
			return status->trouble;
	}
	return NULL;
}

const char *kube_source_trouble(const struct kube_source *source)
{
	return find_trouble(source, decides);
}

const char *kube_source_extra_trouble(const struct kube_source *source)
{
	return find_trouble(source, is_extra);
}

bool kube_source_knows_extra(const struct kube_source *source)
{
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		const struct kube_resource_status *status =
			reflector_status(source->reflectors[i]);

		if (is_extra(i) && status->is_served && !status->is_synced &&
		    !*status->trouble)
			return false;
	}
	return true;
}

const char *kube_source_name(const struct kube_source *source)
{
	return source->access.server;
}

static void tell_unreadable(const struct unreadable *set,
			    struct kube_resource_status *out)
{
	out->n_unreadable = set->n;
	if (set->n)
		snprintf(out->unreadable, sizeof(out->unreadable), "%s%s%s",
			 set->names[0].namespace,
			 *set->names[0].namespace ? "/" : "",
			 set->names[0].name);
}

void kube_source_status(const struct kube_source *source,
			struct kube_status *out)
{
	*out = (struct kube_status){ .is_used = true };
	snprintf(out->server, sizeof(out->server), "%s", source->access.server);
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		out->resources[i] = *reflector_status(source->reflectors[i]);
		out->resources[i].n_objects =
			is_extra(i) ? source->n_extra
				    : cluster_count(source->cluster,
						    resource_of(i)->kind);
		tell_unreadable(&source->unreadable[i], &out->resources[i]);
	}
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
	source->cluster = cluster_new();
	if (!source->cluster)
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
	cluster_free(source->cluster);
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		unreadable_clear(&source->unreadable[i]);
		unreadable_clear(&source->listed_unreadable[i]);
	}
	if (source->timer >= 0)
		close(source->timer);
	if (source->fd >= 0)
		close(source->fd);
	kube_access_release(&source->access);
	free(source);
}
