/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_INTAKE_H
#define NETPOLD_DAEMON_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/compiler.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "kube/access.h"
#include "kube/kube_status.h"

/**
 * From the source of objects, which is manifests or an API server, to a
 * snapshot: watches it, keeps the store in line with it, and compiles it.
 *
 * Threads  controller only.
 */
struct intake;
struct cluster;
struct name_set;

/** What a reading came to. */
struct intake_result {
	struct snapshot *snapshot; /* the caller's */
	struct snapshot_counts counts;
	struct update update; /* its lists are good until the next reading */
	int64_t compile_began_us;
	struct compiler_memory memory;
};

struct intake_options {
	const char *const *paths; /* files and folders, to be watched; */
	size_t n_paths;		  /* none: an API server is */
	struct kube_choice cluster;
	const char *node_name;
	/* The objects of the store are about to change, or to go. */
	void (*before_change)(void *ctx);
	void *ctx;
};

/**
 * Begin to watch.
 *
 * @options  what it points at has to outlive it
 *
 * Returns  0, or a negative errno with a message for the operator.
 */
int intake_open(const struct intake_options *options, struct intake **out,
		struct err *err);

/** Whether it comes from an API server. */
bool intake_is_live(const struct intake *intake);

/** That server's URL; only where it does. */
const char *intake_server(const struct intake *intake);

/** A descriptor that is readable when something may have changed. */
int intake_fd(const struct intake *intake);

/** Take in what has come. Whether something may have changed since the last
 *  call. */
bool intake_changed(struct intake *intake);

/** Files that change together should be one change: wait until nothing has come
 *  for a millisecond, but not for ever. @since_us: when the first one came. An
 *  API server is waited for like that once it has sent more at a time than
 *  somebody's change, and then until nothing has come for as long as the last
 *  change took; else what comes while one change is put in force is the next.
 */
void intake_wait_until_quiet(struct intake *intake, int64_t since_us);

/**
 * Read what has changed, or everything, and compile it. Of an API server,
 * everything is what it failed to say before: it is asked again now.
 *
 * Returns  1 with a result; 0 where nothing differs from what was taken last;
 *          -EAGAIN while somebody is writing; -EINVAL for a mistake in the
 *          manifests; -EINPROGRESS while an API server has not said everything
 *          once; another negative errno. What failed is read again.
 */
int intake_read(struct intake *intake, bool everything,
		struct intake_result *out, struct err *err);

/**
 * Compile what the store holds, whatever the manifests say by now.
 *
 * Returns  0 with a result; a negative errno with a message.
 */
int intake_compile(struct intake *intake, struct intake_result *out,
		   struct err *err);

/** The last result is in force, or on its way there. Until this is said, each
 *  reading has a result. @work_us: what that took, from compiling on; 0: not
 *  known, or nothing to go by. */
void intake_taken(struct intake *intake, int64_t work_us);

/** The store as it is, NULL where nothing was read yet. Until the next
 *  reading. */
const struct cluster *intake_store(const struct intake *intake);

/** The store, where it is what was taken last; NULL where it is ahead of that,
 *  or nothing was read yet. Until the next reading. */
const struct cluster *intake_cluster(const struct intake *intake);

/** How it stands between the API server and us, where there is one. */
void intake_status(const struct intake *intake, struct kube_status *out);

/** Which policies of the API server cannot be read in full, until the next
 *  reading; NULL where there is no server. */
const struct name_set *intake_unreadable(const struct intake *intake);

/** NULL is fine. After everything that came from it. */
void intake_close(struct intake *intake);

#endif
