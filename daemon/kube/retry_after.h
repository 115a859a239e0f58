/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_RETRY_AFTER_H
#define NETPOLD_DAEMON_KUBE_RETRY_AFTER_H

#include <stdint.h>

/** A server that wants more is waited for no longer: a day. */
#define RETRY_AFTER_MAX_S 86400

/**
 * What a Retry-After field says: seconds, or a date (RFC 9110, 10.2.3).
 *
 * @now_us  the wall clock
 *
 * Returns  0 to RETRY_AFTER_MAX_S seconds; -1 where it says nothing of use.
 */
int retry_after_read(const char *text, int64_t now_us);

#endif
