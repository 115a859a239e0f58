/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_LOCAL_H
#define NETPOLD_DAEMON_DATAPATH_LOCAL_H

#include <stdbool.h>

#include "netpold/err.h"

#include "datapath/address_list.h"

/**
 * The addresses of this host: those of every interface of the network
 * namespace, whether it is up or not, loopback included. Sorted.
 *
 * A pod that claims one of them is never diverted: that would divert, and could
 * drop, all traffic of the node (NP-53).
 */
struct local_addresses {
	struct address_list all;
	/* Of these, those that are a Service's and not the host's own: proxies
	   that use IPVS bind them to an interface of theirs, so that packets to
	   them come up to IPVS (NF-5). */
	struct address_list services;
};

/**
 * Returns  0 or a negative errno. Release it in either case.
 * Threads  any.
 */
int local_addresses_read(struct local_addresses *local, struct err *err);

void local_addresses_release(struct local_addresses *local);

/** A descriptor that polls readable when addresses come or go; a negative
 *  errno. */
int local_watch_open(struct err *err);

/** Take what it has to say; whether there was anything. */
bool local_watch_changed(int fd);

#endif
