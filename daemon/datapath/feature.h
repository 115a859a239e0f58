/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_FEATURE_H
#define NETPOLD_DAEMON_DATAPATH_FEATURE_H

#include "netpold/addr.h"

#include "datapath/iptables.h"

/**
 * What netpold's rules need of the kernel and of iptables (L16).
 *
 * Each feature is tried in a chain of its own that is gone at once.
 *
 * Returns  the name of the first that is missing, for a message; NULL where
 *          nothing is, or where not even an empty chain can be made. The sets
 *          must exist.
 */
const char *feature_missing(enum iptables_flavour flavour,
			    enum ip_family family);

#endif
