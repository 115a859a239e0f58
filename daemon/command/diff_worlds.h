/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_WORLDS_H
#define NETPOLD_DAEMON_COMMAND_DIFF_WORLDS_H

#include <stddef.h>

#include "netpold/err.h"
#include "netpold/reach.h"
#include "progress.h"
#include "source/offline.h"

/**
 * The two worlds that `netpold diff` compares, and where their objects come
 * from: files, and the cluster as it is.
 */

struct diff_sources {
	/* Files of each side. Of OLD it is NULL where that is what belongs to
	   both: the cluster. */
	const char *paths[REACH_MAX_VIEWS];
	const char *const *manifests; /* of what belongs to both */
	size_t n_manifests;
	const char *kubeconfig; /* NULL: no cluster is asked */
	bool enforce_staged;	/* see offline_compile() */
};

struct diff_worlds {
	struct offline items[REACH_MAX_VIEWS];
	/* While they are being read. */
	struct cluster *sides[REACH_MAX_VIEWS];
	struct cluster *common; /* of the manifests */
	struct cluster *live;	/* of the kubeconfig */
};

/**
 * Read and compile both.
 *
 * @out  all-zero; to be released, also on failure
 *
 * Returns  0, or a negative errno with a message: -EEXIST where a side has what
 *          the manifests have, -ENODATA where it has no pod with an address.
 */
int diff_worlds_load(const struct diff_sources *sources,
		     struct progress *progress, struct diff_worlds *out,
		     struct err *err);

void diff_worlds_release(struct diff_worlds *worlds);

#endif
