/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_LOCAL_H
#define NETPOLD_DAEMON_DATAPATH_LOCAL_H

#include <stddef.h>

#include "netpold/addr.h"
#include "netpold/err.h"

/**
 * The addresses of this host: those of every interface of the network
 * namespace, whether it is up or not, loopback included.
 *
 * A pod that claims one of them is never diverted: that would divert, and could
 * drop, all traffic of the node (NP-53).
 *
 * @out  malloc()ed, sorted, without doubles; the caller frees it
 *
 * Returns  0 or a negative errno.
 * Threads  any.
 */
int local_addresses(struct ip_addr **out, size_t *n, struct err *err);

#endif
