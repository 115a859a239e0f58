/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_BRIDGE_H
#define NETPOLD_DAEMON_DATAPATH_BRIDGE_H

#include <stddef.h>

#include "netpold/addr.h"
#include "netpold/err.h"

/**
 * Does traffic between the pods of this node come through our rules?
 *
 * Routed pods' does. That of pods on a Linux bridge stays below IP, unless
 * br_netfilter is there and told to call iptables (NF-7). Policies between such
 * pods would stand in silence, so this is asked at start.
 *
 * @pods  addresses of pods of this node; those that no route reaches are passed
 *        over
 *
 * Returns  0 where every pod's traffic is seen; -EOPNOTSUPP with a message that
 *          names the first pod whose traffic is not, its bridge and the setting
 *          that is missing; another negative errno.
 * Threads  any.
 */
int bridge_check(const struct ip_addr *pods, size_t n, struct err *err);

#endif
