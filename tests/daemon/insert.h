/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_DAEMON_INSERT_H
#define NETPOLD_TESTS_DAEMON_INSERT_H

#include "datapath/conntrack.h"
#include "datapath/netlink.h"

/**
 * Put a TCP connection into this network namespace's table, as if it had been
 * seen: also such as conntrack(8) cannot make, that another one has announced
 * (master) or that may announce others (has_helper).
 *
 * Returns  0 or a negative errno.
 */
int insert_connection(struct netlink *netlink,
		      const struct conntrack_entry *entry);

/** From a client to a server, nothing translated. */
struct conntrack_entry a_connection(struct ip_addr client, uint16_t client_port,
				    struct ip_addr server, uint16_t server_port,
				    uint32_t mark);

#endif
