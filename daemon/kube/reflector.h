/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_REFLECTOR_H
#define NETPOLD_DAEMON_KUBE_REFLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/api_reader.h"

#include "kube/kube_status.h"

/**
 * Keeps up with one resource of an API server: lists it, watches it from there,
 * and finds the thread again whenever it is lost.
 *
 *	          ┌────────── 410, too many failures ──────────┐
 *	          ▼                                            │
 *	start ─► list or streaming list ─► watch ─► its end ─► watch …
 *	          │                          │
 *	          └── failure ─► wait ◄──────┘
 *
 * A list is taken as a whole or not at all (API-17, API-32). A watch goes on
 * where the last event or bookmark was (API-22, API-27). What fails is tried
 * again ever more slowly (backoff.h), and what was known stays meanwhile
 * (API-28).
 *
 * Threads  one at a time; never blocks.
 */
struct reflector;
struct http;

/** Who takes what comes. Functions return 0, or a negative errno, which is as
 *  good as a broken answer: it is asked for again. */
struct reflector_sink {
	void *ctx;
	/* A whole list begins. What was known stays until its end. */
	int (*begin)(void *ctx, enum kube_resource which);
	/* An item of it (@listing), or a change of what is known. */
	int (*take)(void *ctx, enum kube_resource which,
		    const struct api_event *event, bool listing);
	/* It is whole: what was known and is not in it is no more. */
	int (*end)(void *ctx, enum kube_resource which);
	/* It broke off. */
	void (*abort)(void *ctx, enum kube_resource which);
	/* The server does not know the resource: nothing of it is. */
	int (*gone)(void *ctx, enum kube_resource which);
};

/** What the reflectors of one server have learned about it. */
struct reflector_server {
	const char *name; /* its URL, for messages */
	/* It has no streaming lists (API-31), so far as is known: until then
	   they are not asked for; steady. */
	int64_t no_streaming_until_us;
	/* Successes that have begun: one that is not the last that was seen
	   says to whoever could not reach the server that it is back. */
	unsigned int n_answers;
	bool is_asked_once; /* a list in pages of what there is now, and no
			       watch. Who asks tells of failures, and nothing
			       stays in force: they are not logged */
	/* Where objects go that cannot be read; NULL: they are logged. */
	finding_fn report;
	void *report_ctx;
};

struct reflector_options {
	enum kube_resource which;
	const char *node_name;
	struct http *http;		 /* outlives it, as do */
	struct reflector_server *server; /* these */
	const struct reflector_sink *sink;
	uint64_t seed; /* not zero; another one for each */
};

/** It begins at its first reflector_work(). 0 or -ENOMEM. */
int reflector_new(const struct reflector_options *options,
		  struct reflector **out);

/** NULL is fine. */
void reflector_free(struct reflector *reflector);

/** Do what is due; to be called when reflector_due_us() is over. @now_us:
 *  steady */
void reflector_work(struct reflector *reflector, int64_t now_us);

/** When there is something to do, unless something comes before. */
int64_t reflector_due_us(const struct reflector *reflector);

/** Wait no longer for what failed: somebody says it is mended. */
void reflector_hurry(struct reflector *reflector);

/** How it stands; n_objects is left to the caller. */
const struct kube_resource_status *
reflector_status(const struct reflector *reflector);

#endif
