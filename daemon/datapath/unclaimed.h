/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_UNCLAIMED_H
#define NETPOLD_DAEMON_DATAPATH_UNCLAIMED_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/packet.h"
#include "netpold/snapshot.h"

#include "datapath/address_list.h"
#include "datapath/pod_range.h"

/**
 * Addresses in this node's pod range that no pod object claims yet (NP-67), and
 * how long packets of theirs are held.
 *
 * A pod sends its first packet when its container starts, and its address comes
 * with its status, some while later. Until then it is nobody, whom no policy
 * selects; so its packets wait for it.
 *
 * Addresses in the range that are this host's own, such as the bridge's, are
 * not a pod's and never will be.
 *
 * It never changes once it is made: workers read it without a lock.
 */
struct unclaimed {
	struct pod_range range;
	struct address_list own; /* this host's in the range, sorted */
	uint32_t hold_ms;	 /* 0: they are dropped at once */
};

/**
 * @own  all of this host's addresses; those in the range are copied
 *
 * Returns  0 or -ENOMEM. The caller frees it.
 */
int unclaimed_new(const struct pod_range *range, const struct address_list *own,
		  uint32_t hold_ms, struct unclaimed **out, struct err *err);

/** NULL is fine. */
void unclaimed_free(struct unclaimed *unclaimed);

/** Whether both say the same. */
bool unclaimed_equal(const struct unclaimed *a, const struct unclaimed *b);

/** Whether this address is. Threads: as below. */
bool unclaimed_has(const struct unclaimed *unclaimed,
		   const struct snapshot *snapshot, const struct ip_addr *addr);

/**
 * Whether an end of a packet is unclaimed: the source, else the destination.
 *
 * @out  which address it is
 *
 * Threads  any, inside the read-side section that loaded both.
 */
bool unclaimed_find(const struct unclaimed *unclaimed,
		    const struct snapshot *snapshot,
		    const struct packet *packet, struct ip_addr *out);

#endif
