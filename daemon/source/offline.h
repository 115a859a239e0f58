/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_OFFLINE_H
#define NETPOLD_DAEMON_SOURCE_OFFLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "netpold/cluster.h"
#include "netpold/err.h"

/**
 * Objects, read and compiled for questions about all of a cluster: every pod
 * is local.
 */
enum { OFFLINE_MAX_DISPLACED = 8 };

struct offline {
	struct cluster *cluster;
	struct snapshot *snapshot;
	size_t n_pods; /* with an address of their own */
	/* Pods all of whose addresses are another pod's, or their node's
	   (NP-53, NP-64); the first ones, which are the cluster's. */
	size_t n_displaced;
	const struct pod *displaced[OFFLINE_MAX_DISPLACED];
	size_t n_policies; /* without those that are staged */
	size_t n_staged;
	size_t n_without_address; /* pods; finished ones are not counted */
	size_t n_on_host;	  /* pods on the host network (NP-52) */
};

/**
 * Compile what was read.
 *
 * @cluster         @out's from here on, also on failure
 * @enforce_staged  staged policies count as if they were enforced
 * @out             to be released, also on failure
 *
 * Returns  0, or a negative errno with a message.
 */
int offline_compile(struct cluster *cluster, bool enforce_staged,
		    struct offline *out, struct err *err);

/**
 * Say which pods and policies are left out and why, a line for each reason;
 * nothing where none is.
 *
 * @where  said behind "left out": " of OLD"; or ""
 */
void offline_write_left_out(FILE *out, const struct offline *offline,
			    const char *where);

/** All-zero is fine. */
void offline_release(struct offline *offline);

#endif
