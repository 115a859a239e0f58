/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_KUBE_SOURCE_H
#define NETPOLD_DAEMON_KUBE_KUBE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"
#include "netpold/finding.h"

#include "kube/access.h"
#include "kube/kube_status.h"

/**
 * The API server as a source of objects: a reflector for each resource keeps
 * the store in line with it.
 *
 * Streams of different resources are not ordered against each other: what the
 * store holds at any moment is what is enforced, once each of them has come as
 * a whole for the first time (API-18, L30).
 *
 * Threads  controller only; never blocks.
 */
struct kube_source;
struct cluster;
struct name_set;

struct kube_source_options {
	struct kube_choice choice;
	const char *node_name; /* has to outlive it; NULL: all nodes are read */
	bool is_asked_once;    /* as in reflector_server, as are */
	finding_fn report;     /* these two */
	void *report_ctx;
	/* The objects of the store are about to change, or to go. */
	void (*before_change)(void *ctx);
	void *ctx;
};

/** Begin to read. 0 or a negative errno with a message: where the server is,
 *  is not said, or not well. One that does not answer is no error. */
int kube_source_open(const struct kube_source_options *options,
		     struct kube_source **out, struct err *err);

/** NULL is fine. Frees the store, too. */
void kube_source_close(struct kube_source *source);

/** Readable when there is something to do. */
int kube_source_fd(const struct kube_source *source);

/** Do it. Returns how many bytes of answers have come. */
size_t kube_source_work(struct kube_source *source);

/** Whether each resource that decides has come as a whole, once. */
bool kube_source_is_synced(const struct kube_source *source);

/** What it waits for, where it is not: "pods (…), nodes (…)". */
void kube_source_missing(const struct kube_source *source, char *text,
			 size_t size);

/** Whether something that decides about packets has changed since the last
 *  call. */
bool kube_source_take_change(struct kube_source *source);

/** The store. Before it is synced nothing is to be made of it. */
struct cluster *kube_source_cluster(const struct kube_source *source);

/** The store, which is the caller's from now on. The source can only be closed
 *  then. */
struct cluster *kube_source_leave(struct kube_source *source);

/** Whether there is an answer for each of those that need not be there, too:
 *  how many there are, or why that is not known. */
bool kube_source_knows_extra(const struct kube_source *source);

/** Why it is not known whether there are objects that are not enforced; NULL:
 *  it is, or no answer has come yet. */
const char *kube_source_extra_trouble(const struct kube_source *source);

/** Why a resource that decides is not read just now; NULL: there is no such
 *  trouble. */
const char *kube_source_trouble(const struct kube_source *source);

/** A name of the server: its URL. */
const char *kube_source_name(const struct kube_source *source);

/** Try everything that failed again now, and read the token. */
void kube_source_hurry(struct kube_source *source);

void kube_source_status(const struct kube_source *source,
			struct kube_status *out);

/** Which objects of a resource that decides cannot be read in full, until there
 *  is more work done. */
const struct name_set *kube_source_unreadable(const struct kube_source *source,
					      enum kube_resource which);

#endif
