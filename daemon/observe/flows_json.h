/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_FLOWS_JSON_H
#define NETPOLD_DAEMON_OBSERVE_FLOWS_JSON_H

#include <stdint.h>

#include <jansson.h>

struct flow_watch;

/**
 * What is judged just now, as include/netpold/schema/flows.schema.json: the
 * rows of a flow_watch.h, in no order. Who asks keeps the watch going: the
 * first answer has no row, and who asks again within FLOW_WATCH_S is told of
 * all that came since.
 *
 * @watch   NULL: there is nothing to be seen yet
 * @now_us  steady
 *
 * Returns  a new reference, or NULL without memory.
 * Threads  any.
 */
json_t *flows_to_json(struct flow_watch *watch, int64_t now_us);

#endif
