/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_RECEIPT_LIST_H
#define NETPOLD_DAEMON_COMMAND_RECEIPT_LIST_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/**
 * Print the policies in force as a table for people:
 *
 *	GENERATION  IN FORCE SINCE            POLICY
 *	         3  2026-11-26T00:35:20.123Z  shop/allow-web (2 min 5 s)
 *
 * @receipts  as in schema/status.schema.json
 * @now_us    by the clock on the wall
 */
void receipt_list_write(FILE *out, const json_t *receipts, int64_t now_us);

#endif
