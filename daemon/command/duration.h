/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DURATION_H
#define NETPOLD_DAEMON_COMMAND_DURATION_H

#include <stdint.h>

#include "netpold/err.h"

/**
 * Read a duration as people write it: 90s, 10m, 1h.
 *
 * @what        what it is of, for the message: "--for"
 * @min_s, @max_s  bounds in seconds
 *
 * Returns  0 with whole seconds; -EINVAL with a message.
 */
int duration_parse(const char *what, const char *text, int64_t min_s,
		   int64_t max_s, int64_t *out_s, struct err *err);

#endif
