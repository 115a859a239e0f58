/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_FEATURE_H
#define NETPOLD_DAEMON_DATAPATH_FEATURE_H

#include "netpold/addr.h"
#include "netpold/err.h"

#include "datapath/iptables.h"

/** What the rules are for. */
enum feature_use {
	FEATURES_ENFORCE = 0,
	FEATURES_REMEMBER, /* that, and the kernel is to remember answers */
	FEATURES_AUDIT,
};

/**
 * What netpold's rules need of the kernel and of iptables (L16).
 *
 * Each feature is tried in a chain of its own that is gone at once. The sets
 * must exist.
 *
 * @missing  the name of the first feature that is missing, for a message; NULL
 *           where nothing is
 *
 * Returns  0; -EINVAL where not even an empty chain is accepted; another
 *          negative errno where iptables cannot be asked, as -EBUSY while
 *          another program keeps its lock. Then nothing is known of features.
 */
int feature_missing(enum iptables_flavour flavour, enum ip_family family,
		    enum feature_use use, const char **missing,
		    struct err *err);

#endif
