/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_LIMIT_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/addr.h"

/**
 * So many records a second of each pod, and not more: a pod that knocks at
 * every port does not fill the disk, and does not keep others from being read
 * of.
 *
 * A pod is an address here, as many of them as it has. What it did not use
 * within a second is gone. There is room for FLOW_LIMIT_PODS that are at it in
 * the same second; of more, some get a new share too early.
 *
 * Threads  one at a time.
 */
struct flow_limit;

#define FLOW_LIMIT_PODS 4096

/**
 * @rate      records a second; 0: as many as there are
 * @hash_key  drawn at random
 *
 * NULL without memory.
 */
struct flow_limit *flow_limit_new(uint32_t rate, const uint64_t hash_key[2]);

/** NULL is fine. */
void flow_limit_free(struct flow_limit *limit);

/**
 * Whether there may be a record more of this pod.
 *
 * @now_us  by a clock that only ever grows
 */
bool flow_limit_take(struct flow_limit *limit, const struct ip_addr *pod,
		     int64_t now_us);

#endif
