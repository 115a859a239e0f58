/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_DENIED_H
#define NETPOLD_DAEMON_OBSERVE_DENIED_H

#include <jansson.h>

/**
 * What the kernel has denied most of late, without asking anybody: as denied in
 * include/netpold/schema/status.schema.json, each with the policies that are
 * behind it by the snapshot in force.
 *
 * It lists the sets of denials, which takes up to a tenth of a second where
 * they are full.
 *
 * Returns  a new reference, of an array; NULL without memory.
 * Threads  any that has not begun with RCU (rcu.h).
 */
json_t *denied_to_json(void);

#endif
