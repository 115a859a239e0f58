/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_EXPOSITION_H
#define NETPOLD_DAEMON_OBSERVE_EXPOSITION_H

#include <stddef.h>

#include "observe/metrics.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/**
 * All metrics whose value is known, in the text format that Prometheus reads
 * (version 0.0.4).
 *
 * Returns  the text, to be freed, with its length; NULL without memory.
 */
char *exposition_format(struct metrics *metrics, size_t *len);

#endif
