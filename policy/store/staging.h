/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_STORE_STAGING_H
#define NETPOLD_POLICY_STORE_STAGING_H

#include <stdbool.h>

#include "netpold/object.h"

#include "store/record.h"

/**
 * Which policies are staged (NP-8): what a policy says of itself counts before
 * what its namespace says of all. So a namespace that changes its mode changes
 * policies, too; who follows the cluster sees them come and go as any others.
 */
struct cluster;

/** Whether a policy is staged, as far as its namespace is known now. */
bool staging_of(const struct cluster *cluster,
		const struct network_policy *policy);

/**
 * Make the records that policies get when their namespace has this mode: those
 * that decisions count, and that are not so already.
 *
 * @out  a list, for one of the next two
 *
 * Returns  0; -ENOMEM, and there is no list.
 */
int staging_prepare(const struct cluster *cluster, const char *namespace,
		    enum policy_mode mode, struct record **out);

/** Put them in the place of those that there were; nothing else may have
 *  changed these. */
void staging_apply(struct cluster *cluster, const char *namespace,
		   struct record *prepared);

void staging_drop(const struct cluster *cluster, struct record *prepared);

#endif
