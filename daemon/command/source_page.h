/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SOURCE_PAGE_H
#define NETPOLD_DAEMON_COMMAND_SOURCE_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/**
 * Where objects come from, as the page of `netpold status` tells it:
 *
 *	Source       https://10.96.0.1:443, all heard of in the last 3 s
 *	             pods: cannot connect to …: refused
 *	NOT READ     1 of networkpolicies in full, as shop/web: the log says why
 *	NOT ENFORCED 2 ClusterNetworkPolicies, which the API server has
 *
 * @status  what a daemon has told (status.schema.json)
 */
void source_page_write(FILE *out, const json_t *status, int64_t now_us);

/** Whether an API server is read from, and something of it is not, just now. */
bool source_page_is_away(const json_t *status);

/** Whether it has objects that cannot be read in full (L23). */
bool source_page_is_partial(const json_t *status);

/** Whether it has policies that are not enforced. */
bool source_page_is_ignoring(const json_t *status);

#endif
