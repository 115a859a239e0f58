/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_MANIFESTS_H
#define NETPOLD_DAEMON_SOURCE_MANIFESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/finding.h"
#include "netpold/object.h"

/**
 * Manifests on disk, or on standard input, as the objects of a cluster.
 *
 * A path is a file, a folder or "-". Of a folder, the files that end in .yaml,
 * .yml or .json are read, in the order of their names, hidden ones and
 * subfolders not (as `kubectl apply -f` does). Loading is all or nothing: one
 * error in one object refuses the whole, so that a mistake never enforces half
 * a policy set.
 */

struct stat;

struct manifests_report {
	size_t n_files;
	size_t n_objects;    /* that decide about packets */
	size_t n_ignored;    /* of other kinds */
	size_t n_pod_makers; /* those among them that may lead to pods */
	size_t n_errors;
	size_t n_warnings;
};

/**
 * Called for each object that is in order.
 *
 * @file, @line  where it begins
 *
 * Returns  0, or a negative errno that ends the loading.
 */
typedef int (*manifests_object_fn)(void *ctx, const struct object *object,
				   const char *file, unsigned int line);

/**
 * Called for each file that is about to be read, in the order of the paths and
 * then of the names; not for standard input.
 *
 * @source  which path led to it, from 0
 * @seen    the file before anything was read of it
 * @bundle  to be set: what its objects are put in (cluster_put_in())
 *
 * Returns  1 to read it, 0 to pass it over, or a negative errno that ends the
 *          loading.
 */
typedef int (*manifests_file_fn)(void *ctx, size_t source, const char *path,
				 const struct stat *seen, uint32_t *bundle);

struct manifests_options {
	bool strict;	   /* odd CIDR forms are errors (AV-57) */
	bool watched;	   /* others may write to the files meanwhile: read
			      regular files only, and none that is open for
			      writing. SIGIO has to be ignored. */
	finding_fn report; /* each finding as it comes; NULL: not wanted */
	void *report_ctx;
	manifests_object_fn object; /* each object as it comes, or NULL */
	void *object_ctx;
	manifests_file_fn file; /* NULL: all are read, into no bundle */
	void *file_ctx;
};

/**
 * Read all paths into a new cluster.
 *
 * @options  NULL for the defaults
 * @report   filled in on success and on failure; may be NULL
 * @err      the first finding, and how many more there are, in one message
 *
 * Returns  0 with a cluster that the caller frees; -EINVAL where an object is
 *          wrong; -EAGAIN where a watched file is being written; another
 *          negative errno where a path cannot be read.
 */
int manifests_load(const char *const *paths, size_t n_paths,
		   const struct manifests_options *options,
		   struct cluster **out, struct manifests_report *report,
		   struct err *err);

/** Say that objects are wrong: the first error, and how many more there are.
 *  @n_errors  at least 1. Returns -EINVAL. */
int manifests_refuse(const struct err *first, size_t n_errors, struct err *err);

#endif
