/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_QUEUE_TABLE_H
#define NETPOLD_DAEMON_COMMAND_QUEUE_TABLE_H

#include <stdio.h>

#include <jansson.h>

/**
 * A table of what went through the queues: the sum, and each queue in which
 * something waits or was lost.
 *
 * @status, @metrics  as a daemon tells them (told.h)
 */
void queue_table_write(FILE *out, const json_t *status, const json_t *metrics);

#endif
