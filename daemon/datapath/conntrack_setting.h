/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_CONNTRACK_SETTING_H
#define NETPOLD_DAEMON_DATAPATH_CONNTRACK_SETTING_H

#include <stdbool.h>

/**
 * What the kernel keeps of connections, and tells: switches of the network
 * namespace, below net.netfilter. They count for connections that are opened
 * from then on. netpold reads them, and leaves them as they are.
 */
enum conntrack_setting {
	CONNTRACK_ACCT,	     /* it counts packets and bytes */
	CONNTRACK_EVENTS,    /* it tells whoever listens */
	CONNTRACK_TIMESTAMP, /* it keeps when they began and ended */
};

/** "net.netfilter.nf_conntrack_acct", … */
const char *conntrack_setting_name(enum conntrack_setting setting);

/** As it is now; a kernel that does not have it cannot do that. Threads: any.
 */
bool conntrack_setting_is_on(enum conntrack_setting setting);

#endif
