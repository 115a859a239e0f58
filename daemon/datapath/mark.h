/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_MARK_H
#define NETPOLD_DAEMON_DATAPATH_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/judge.h"

/**
 * The bits of packet and connection marks that are netpold's.
 *
 * Others use marks too, so that only the bits under one mask are ever read or
 * written, and values are compared whole under it. A value is a small number;
 * its bits are spread over the mask from the highest down:
 *
 *	value	where		meaning
 *	0	both		nothing known
 *	1	both		ALLOWED: the flow passes as it was opened
 *	2	connection	OWN-NODE: this node opened it (NP-55)
 *	3	both		PICKED-UP: it passes, one way or the other
 *	4	connection	TO-NODE: a pod opened it to its own node, where
 *				that needs no policy (NP-57)
 *	5	packet		BYPASS: netpold itself has sent it
 *	7	packet		REMEMBER: ALLOWED, and so is the next flow that
 *				asks the same
 *	9	packet		DENIED, and so is the next flow that asks the
 *				same
 *	4 … 14	packet		even ones: its class, on the way into the queue
 *
 * In the packet mark odd values are what netpold tells: an answer on its way
 * from the verdict to the rules that save it, or that the packet is its own.
 * One rule matches all of them, and no class. ALLOWED and PICKED-UP differ in
 * one bit, so that one rule matches exactly these two.
 */
#define MARK_DEFAULT_MASK 0x0000107f /* low-conflict bits (NF-60) */

struct mark_layout {
	uint32_t mask;
	uint32_t allowed;
	uint32_t picked_up;
	uint32_t own_node;
	uint32_t to_node;
	uint32_t bypass;
	uint32_t remember;
	uint32_t denied;
	/* mark & judged_mask == allowed: ALLOWED or PICKED-UP, nothing else */
	uint32_t judged_mask;
	/* mark & told_mask == allowed: an odd value */
	uint32_t told_mask;
	uint32_t class[N_PACKET_CLASSES];
};

/**
 * Lay the values out under a mask.
 *
 * Returns  0; -EINVAL where the mask has fewer than four bits.
 */
int mark_layout_init(struct mark_layout *layout, uint32_t mask,
		     struct err *err);

/** Read a class back from a packet mark; false where there is none. */
bool mark_to_class(const struct mark_layout *layout, uint32_t mark,
		   enum packet_class *class);

/** @mark with the bits under the mask replaced by @value. */
static inline uint32_t mark_replace(const struct mark_layout *layout,
				    uint32_t mark, uint32_t value)
{
	return (mark & ~layout->mask) | value;
}

#endif
