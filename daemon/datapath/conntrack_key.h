/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_CONNTRACK_KEY_H
#define NETPOLD_DAEMON_DATAPATH_CONNTRACK_KEY_H

#include <stdbool.h>

#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "datapath/conntrack.h"

/**
 * What was asked of a connection when it was opened, from its tuples (NF-4):
 * who opened it is the source of the original direction; who answered is the
 * source of the reply, which is the real server where a Service was called.
 */
static inline struct flow_key conntrack_key(const struct conntrack_entry *entry)
{
	bool has_port = protocol_has_ports(entry->protocol);

	return (struct flow_key){
		.src = entry->original.src,
		.dst = entry->reply.src,
		.dst_port = has_port ? entry->reply.src_port : 0,
		.protocol = entry->protocol,
		.has_port = has_port,
	};
}

#endif
