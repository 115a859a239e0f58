/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_OBJECTS_H
#define NETPOLD_DAEMON_SOURCE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/cluster.h"
#include "netpold/err.h"
#include "source/manifests.h"

struct progress;

/**
 * Where the objects of a question come from: manifests, a cluster whose API
 * server is asked once, or both.
 *
 * A cluster is asked only where somebody names a kubeconfig: $KUBECONFIG alone,
 * which many have set for other tools, does not send a question about files
 * over the network.
 */
struct objects_from {
	const char *const *paths;
	size_t n_paths;		/* 0: only a cluster is asked */
	const char *kubeconfig; /* NULL: only files are read */
	/* What both have is as the files say, and warnings are of files alone.
	   Otherwise what both have is refused, because nobody can tell which
	   of the two is meant. */
	bool files_win;
	/* Told how many there are, as they come; or NULL. */
	struct progress *progress;
};

/**
 * Read them, files first. Blocks until a cluster has answered; what fails there
 * is not tried again.
 *
 * @options  as manifests_load() has it, or NULL. Findings and objects of a
 *           cluster are in the file "", line 0; @strict holds for them, too.
 * @report   as manifests_load() has it
 *
 * Returns  0 with a cluster that the caller frees; -EINVAL where an object is
 *          wrong; -EEXIST where one is there twice; another negative errno
 *          where files cannot be read or the cluster does not answer. With a
 *          message.
 */
int objects_load(const struct objects_from *from,
		 const struct manifests_options *options, struct cluster **out,
		 struct manifests_report *report, struct err *err);

/**
 * Put all objects of @from into @to, which has none of them.
 *
 * @where  of what @from is, for the message where it has: "what --manifests
 *         names"
 *
 * Returns  0; -EEXIST or -ENOMEM with a message.
 */
int objects_add(const struct cluster *from, const char *where,
		struct cluster *to, struct err *err);

/**
 * Put those objects of @from into @to that neither it nor any of @others has.
 *
 * Returns  0; -ENOMEM with a message.
 */
int objects_fill(const struct cluster *from, struct cluster *to,
		 struct cluster *const *others, size_t n_others,
		 struct err *err);

#endif
